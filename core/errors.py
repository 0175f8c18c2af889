"""The one exception that is meant for people."""

LONGEST = 1000  # characters; some libraries repeat a whole file in what they say, and names can be as long


class UserError(ValueError):
    """Something the user can mend: one sentence that says what was wrong and what to do.

    The command line prints the sentence and exits with status 2; a page shows it in place of the
    result. Anything else that is raised is a defect of ours and keeps its traceback. A sentence that grew beyond
    reading, by what it quotes, loses its middle.
    """

    def __init__(self, sentence: str = "") -> None:
        half = LONGEST // 2
        super().__init__(sentence if len(sentence) <= LONGEST else f"{sentence[:half]} … {sentence[-half:]}")
