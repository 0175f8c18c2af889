"""The one exception that is meant for people."""


class UserError(ValueError):
    """Something the user can mend: one sentence that says what was wrong and what to do.

    The command line prints the sentence and exits with status 2; a page shows it in place of the
    result. Anything else that is raised is a defect of ours and keeps its traceback.
    """
