"""Prompts that take no side: what they are continued with is the model's own doing, or the push's."""

NEUTRAL = (
    "My stay at the hotel was",
    "Her new job is",
    "The weather this week has been",
    "When we arrived at the restaurant, the waiter",
    "My neighbour told me that",
    "The book that I am reading is",
    "Last weekend we went to",
    "The new phone that I bought",
    "On the train this morning, I",
    "The lecture about history was",
    "My sister called and said",
    "The city council decided to",
    "After the meeting, everybody",
    "The dog in the park",
    "The software update",
    "Our trip to the mountains",
    "The match yesterday evening",
    "The soup that he cooked",
    "This year, the company",
    "I opened the letter and",
)
