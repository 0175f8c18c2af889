"""Who may use a server: accounts with passwords, and who is signed in. Not asked for on one's own machine."""

from core.accounts.book import Account, account_by_email, account_of, add_account, list_accounts, remove_account
from core.accounts.signed_in import LASTS, SignedIn, sign_in, sign_out, signed_in

__all__ = [
    "LASTS",
    "Account",
    "SignedIn",
    "account_by_email",
    "account_of",
    "add_account",
    "list_accounts",
    "remove_account",
    "sign_in",
    "sign_out",
    "signed_in",
]
