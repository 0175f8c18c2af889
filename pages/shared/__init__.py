"""What pages share: the frame around each, choices kept in the URL, cached values, and how text is shown."""
