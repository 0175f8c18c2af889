"""The door: whether others than the owner of this machine can reach the app, and who they are.

On 127.0.0.1 nobody is asked anything. Where the server listens on another address, or is told to serve
(CONCEPTSCOPE_SERVE), nothing is shown without accounts, and with accounts to nobody who has not signed in. It does not
matter how it was started: the options are looked at, and the sockets that it really listens on.
"""

from __future__ import annotations

import ipaddress
import os
from functools import cache
from pathlib import Path

import psutil
import streamlit as st
from streamlit.auth_util import get_secrets_auth_section, is_authlib_installed
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import spaces
from core.accounts import LASTS, SignedIn, account_by_email, list_accounts, sign_in, sign_out, signed_in
from core.errors import UserError
from pages.shared.text import plain

CLOSED = (
    "This server can be reached from other machines and has no accounts, so it shows nothing. Add some with "
    "`python -m core accounts add NAME`, or start it with `make run`, for this machine alone."
)
TOKEN = "door_token"  # noqa: S105  its name in the session
SPACE = "door_space"  # whose the session is

_HERE = Path(__file__).parent
_keep = st.components.v2.component("conceptscope_door", js=(_HERE / "door.js").read_text("utf-8"))


def enter() -> None:
    """Let those in who may come in; for others the page ends here, with the way in."""
    if not is_serving():
        return
    try:
        accounts = list_accounts()
    except UserError:
        accounts = []
    if not accounts:
        st.error(CLOSED, icon=":material/lock:")
        st.stop()
    if who() is None:
        token = _cookie()
        if signed_in(token) is None:
            _ask()
            st.stop()
        st.session_state[TOKEN] = token
    me = who()
    if me is not None and _hand_over(me):
        # The browser forgets what stood in the fields of the other's page once they are gone.
        st.info(f"You are signed in as {me.name} now.", icon=":material/person:")
        st.button("Continue", key="door_on")
        st.stop()


def _hand_over(me: SignedIn) -> bool:
    """Note whose the session is. What another had typed, made and asked for in it goes; whether there was another."""
    before = st.session_state.get(SPACE, me.space)
    if before != me.space:
        token = st.session_state.get(TOKEN)
        _forget()
        if token is not None:
            st.session_state[TOKEN] = token
    st.session_state[SPACE] = me.space
    return bool(before != me.space)


def _forget() -> None:
    """Nothing of one user is left to the next at the same screen."""
    for key in list(st.session_state):
        del st.session_state[key]
    st.query_params.clear()


def may_enter() -> bool:
    """Whether `enter` lets one in."""
    return not is_serving() or who() is not None or signed_in(_cookie()) is not None


def require_entered() -> None:
    """In a part of a page, which runs without the rest: the whole page again where one is signed in no more."""
    if is_serving() and who() is None:
        st.rerun()


def who() -> SignedIn | None:
    """Who is signed in in this session; None for nobody."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return signed_in(str(st.session_state.get(TOKEN, ""))) or _vouched_for()


def has_provider() -> bool:
    """Whether people can sign in with an identity provider: `[auth]` in Streamlit's secrets, and Authlib installed."""
    return is_authlib_installed() and bool(get_secrets_auth_section())


def _vouched_for() -> SignedIn | None:
    """Whom an identity provider has let in, if there is an account for an address that it has verified."""
    if not has_provider():
        return None
    told = st.user.to_dict()
    if told.get("is_logged_in") is not True or told.get("email_verified") is not True:
        return None
    account = account_by_email(str(told.get("email", "")))
    return None if account is None else SignedIn(account.name, account.space)


def signed_in_as() -> None:
    """In the sidebar: who one is, and the way out."""
    me = who()
    if me is None:
        return
    name, out = st.columns([3, 2], vertical_alignment="center")
    name.caption(f":material/person: {me.name}", help="All that you save is yours: nobody else who signs in sees it.")
    out.button("Sign out", key="door_out", type="tertiary", on_click=_leave)
    if TOKEN in st.session_state:
        _remember(str(st.session_state[TOKEN]), round(LASTS))


def is_serving() -> bool:
    """Whether others than the owner of this machine can, or are to, reach the app."""
    if os.environ.get("CONCEPTSCOPE_SERVE", "").strip().lower() not in ("", "0", "no", "false"):
        return True
    return not is_loopback(st.get_option("server.address")) or _listens_beyond()


def is_loopback(address: object) -> bool:
    """Whether only this machine reaches what listens on `address`; no address means all there are."""
    if not isinstance(address, str):
        return False
    if address.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


@cache
def _listens_beyond() -> bool:
    """Whether a socket of this process listens on an address that others reach, whatever the options say.

    Asked once: pages are drawn after the server has begun to listen.
    """
    try:
        open_ = psutil.Process().net_connections(kind="inet")
    except (psutil.Error, OSError):
        return False
    return any(one.status == psutil.CONN_LISTEN and not is_loopback(one.laddr.ip) for one in open_)


def _present() -> str | None:
    """The space of whoever this thread works for, as core asks for it."""
    if not is_serving():
        return None
    me = who()
    if me is None:
        raise UserError("Sign in first; nothing is shown or kept for nobody.")
    return me.space


spaces.ask_with(_present)


def _ask() -> None:
    """The way in: name and password."""
    if st.session_state.pop("door_left", False):
        _remember("", 0)
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.title("Conceptscope", anchor=False)
        st.write("This server is for those who have an account on it.")
        if has_provider():
            _ask_provider()
    with middle, st.form("door", clear_on_submit=True):
        name = st.text_input("Name", max_chars=64, autocomplete="username", key="door_name")
        password = st.text_input(
            "Password", type="password", max_chars=1_000, autocomplete="current-password", key="door_password"
        )
        if not st.form_submit_button("Sign in", type="primary"):
            return
        try:
            st.session_state[TOKEN] = sign_in(name, password, _address())
        except UserError as error:
            st.error(str(error), icon=":material/lock:")
            return
    me = who()
    if me is not None:
        _hand_over(me)
    st.rerun()


def _ask_provider() -> None:
    told = st.user.to_dict()
    if told.get("is_logged_in") is True:
        verified = "" if told.get("email_verified") is True else ", which your provider has not verified"
        st.error(f"There is no account here for {plain(str(told.get('email')))}{verified}.", icon=":material/lock:")
        st.button("Use another", on_click=st.logout, key="door_other")
    else:
        st.button("Sign in with your organisation", on_click=st.login, key="door_provider", type="primary")


def _leave() -> None:
    if has_provider() and st.user.to_dict().get("is_logged_in") is True:
        st.logout()
    sign_out(str(st.session_state.pop(TOKEN, "")))
    sign_out(_cookie())
    _forget()
    st.session_state["door_left"] = True


def _remember(token: str, seconds: int) -> None:
    """Have the browser keep the token, for reloads and other tabs; SameSite=Strict, so that no other site sends it."""
    _keep(key="door_kept", data={"name": _cookie_name(), "token": token, "seconds": seconds})


def _cookie() -> str:
    return str(st.context.cookies.get(_cookie_name(), ""))


def _cookie_name() -> str:
    # Browsers do not tell ports apart: two servers on one machine would take each other's.
    return f"conceptscope_{st.get_option('server.port')}"


def _address() -> str:
    """Where the visitor is. Behind a reverse proxy on this machine it is what that passes on as X-Forwarded-For."""
    return str(st.context.ip_address or "this machine")
