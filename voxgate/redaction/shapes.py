"""What secrets look like: credentials in URLs, authorization headers, private keys, tokens of known make, and values behind
the names that secrets have. Pure: what is found is handed to ``mark``, which says what stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MARK = "[cut]"
"""What stands where something was cut; where two of them must differ, it has a number: ``[cut-2]``."""

_A_MARK = r"\[cut(?:-\d{1,9})?\]"
_MARKED = re.compile(_A_MARK)

_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?s:(?:(?!-----BEGIN ).){0,20000}?)-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:[\s\\nr\"',]|[A-Za-z0-9+/=]{16,})*)"
)

# After "://": user and password up to the last @ of the authority; a password with a slash in it (which drivers refuse
# and people write) up to the first @, unless "host:port/" says that no user stands there; and a long user alone, as
# tokens do. USER:PASSWORD@HOST is what a hint has a person fill in.
_URL = re.compile(
    r"(?P<name>:\\?/\\?/)(?!USER:PASSWORD@HOST\b(?!\S*@))"
    r"(?:[^\s/@:\"'<>\\]*:(?!" + _A_MARK + r"@)[^\s/\"'<>\\]*"
    r"|[^\s/@:\"'<>\\]*:(?!\d{1,5}(?:[/?#\\]|$))[^\s@\"'<>]{0,256}"
    r"|[A-Za-z0-9_=.~-]{16,})(?=@)"
)
_SIP = re.compile(r"(?i)(?P<name>\bsips?:)[^\s:@\"'<>\\/;]{1,100}:[^\s@\"'<>\\/]{1,200}(?=@)")
# Without a scheme only before an address with a port, or an IP address: "sip:v1.2@sha256:" is an image.
_AUTHORITY = re.compile(
    r"(?<![A-Za-z0-9_.%+/:@-])(?P<name>)(?!(?:sips?|mailto|xmpp|tel):)[A-Za-z0-9_.%+-]{1,64}:[^\s/@:\"'<>\\]{3,128}"
    r"(?=@(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|[A-Za-z0-9.-]{1,253}:\d{2,5}\b))"
)
_ENCODED = re.compile(r"(?i)(?P<name>%3A%2F%2F)(?:(?!%2F|%40|%3A)[^\s\"'<>\\/@&;])*%3A(?:(?!%2F|%40)[^\s\"'<>\\/@&;])+(?=%40)")

# A value ends at a quote, unless a parameter of its own is quoted: Digest username="1001", response="0123".
_PARAMETERS = r"[^\r\n\"'\\]*(?:(?<==)\\?\"[^\"'\\\r\n]*\\?\"[^\r\n\"'\\]*)*"
_HEADER = re.compile(
    r"(?i)(?P<name>\b(?:proxy-authorization|authorization|x-api-key|x-auth-token|set-cookie|cookie)"
    r"(?:\\?[\"'])?\s{0,3}[:=,]\s{0,3}(?:b(?=[\"']))?(?:\\?[\"'])?)"
    r"[^\s\"'\\]" + _PARAMETERS
)
_DIGEST = re.compile(r"(?i)(?P<name>\bDigest\s{1,3})(?=[a-z_-]{1,20}=)" + _PARAMETERS)

_BEARER = re.compile(r"(?P<name>\b[Bb](?:earer|EARER)\s{1,3})[A-Za-z0-9._~+/=-]{8,}")

_MAKE = re.compile(
    r"\b(?:(?P<run>eyJ[\w-]{6,}+)(?P<token>\.eyJ[\w-]{6,}+(?:\.[\w-]*)?)?"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_\w{30,}|ATBB\w{16,}|ATCTT3x[\w=-]{16,}"
    r"|xapp-[\w-]{10,}|(?:sk|rk)_(?:live|test)_\w{16,}|SG\.[\w-]{16,}\.[\w-]{16,}|hv[sb]\.[\w-]{20,}|AIza[\w-]{35}|pypi-[\w-]{50,}"
    r"|gl(?:rt|dt|cbt)-[\w-]{16,}|shp(?:at|ss)_\w{20,}|dop_v1_\w{40,}|NRAK-\w{20,}|\d{8,10}:AA[\w-]{32,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|ASIA[A-Z0-9]{16}|sk-[\w-]{20,}|AGE-SECRET-KEY-1\w{20,})"
)

# A path or a parameter of an address that lets in whoever knows it: what tells a chat, a monitor or a store of objects.
_ADDRESS = re.compile(
    r"(?P<name>hooks\.slack\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/webhookb2/"
    r"|api\.telegram\.org/bot|hc-ping\.com/(?:ping/)?|[?&]sig=)[^\s\"'<>\\&#]+"
)

# In words: "the password is X", "Passwort: X", where the word behind is none that is said of one; and what has a place of its
# own: in a netrc, SQL, redis' rules, snmpd's settings.
_SAID = re.compile(
    r"(?i)(?P<name>\b(?:password|passphrase|passwort|kennwort|passwd|secret|token|mot de passe|contrase\u00f1a|clave|senha)"
    r"[\"']?[ \t]{0,3}(?:(?:is|was|to|ist|war|lautet|est|es|:|=)[ \t]{0,3}){1,2}[\"'`]?)(?P<value>[^\s\"'`<>\[]{5,200})"
)
_PLACED = re.compile(
    r"(?P<name>\blogin[ \t]+[^\s\"']{1,100}\s{1,3}password[ \t]+|\b(?:IDENTIFIED BY|PASSWORD|identified by|password)[ \t]+[\"']"
    r"|\bAUTH[ \t]+(?:(?:default|[a-z][\w-]{0,30})[ \t]+)?|\buser [\w-]{1,60} on(?: [^\s>#]{1,100}){0,9} [>#]"
    r"|\br[ow]community6?[ \t]+|\bcreateUser[ \t]+[\w-]{1,60}[ \t]+(?:MD5|SHA\S{0,4})[ \t]+[\"']?"
    r"|\bpsk[ \t]{0,3}=[ \t]{0,3}[\"']?)"
    r"(?P<value>[^\s\"'<>]{5,200})"
)
_TOLD = re.compile(r"(?=\D*\d)(?=.*[A-Za-z]).+|(?=.*[A-Za-z].*[!$%&*#+~^]).+|(?=\w*[a-z]\w*[A-Z])\w{8,}")
_OF_KINDS = re.compile(r"(?i)(?:sha|md|aes|des|rsa|utf|base|argon|oauth|http|tls|v)-?\d+\w{0,3}[.,;:)]*|[\d.,]+\w{1,3}[.,;:)]*")
"""What a password is said to be, and is not: ``sha512``, ``12h``."""

# What secrets are called, at the end of a name, whatever its case; then = or : and a value, quoted or not.
# "key", "pass" and "pin" alone are words: what stands before them is looked at afterwards, so that the search hops on.
_KEY = (
    r"key(?:(?<=[_-]key)|(?<=(?-i:[a-z0-9]Key))"
    r"|(?<=apikey)|(?<=devkey)|(?<=accesskey)|(?<=authkey)|(?<=privatekey)|(?<=signingkey)|(?<=masterkey))"
)
_NAME = (
    r"(?P<name>(?i:secret|token|passwor[dt]|passwd|passphrase|pwd|credentials?|signature|pass|pin|" + _KEY + r")"
    r"(?:(?i:[_-]?(?:id|b64|base64|hash|old|new|v?\d{1,3})))?)"
)
_QUOTE = r"(?:\\{0,3}[\"'])"
_QUOTED = r"b?(?P<open>" + _QUOTE + r")(?P<quoted>(?:(?!(?P=open))(?:\\.|[^\r\n]))*)(?:(?P=open)|(?=[\r\n]|\Z))"
_ESCAPED = r"|\\(?![nrtu\"'\\])"
_UP_TO_JSON = r"(?:" + _A_MARK + r")?(?:[^\s\"'\\&,}\])]" + _ESCAPED + ")*"  # where the document goes on
_VALUE = (
    re.compile("(?:" + _QUOTED + r"|(?P<bare>(?:[^\s\"'\\&]" + _ESCAPED + ")+))"),
    re.compile("(?:" + _QUOTED + "|(?P<bare>" + _UP_TO_JSON + "))"),
)
"""A value behind ``=``, and one behind a colon or a blank. No search looks further than its value goes: a text of names and short
values would be looked through once for each.
"""
_TUPLE = _QUOTE + r",[ \t]{0,3}(?=b?" + _QUOTE + r"[^\"'\r\n]*" + _QUOTE + r"\))"
_PAIR = _QUOTE + r"?[ \t]{0,40}(?:=>|:=|==?|:)[ \t]{0,40}"
_NAMED = re.compile(_NAME + r"(?P<between>" + _PAIR + "|" + _TUPLE + ")")
_OPTION = re.compile(
    r"(?P<name>(?:--?[\w-]{0,64}?(?i:secret|token|password|passwd|passphrase|api-?key|access-?key|secret-?key|(?<=[_-])pass)"
    r"|(?:\B--|\b)(?:requirepass|masterauth)))"
    r"(?P<between>[ \t]+|[\"'],[ \t]*(?=[\"']))"
)

# LIVEKIT_KEYS holds pairs: "APIabc: its secret, APIdef: its secret".
_ITEM = r"[^\s\"'\\&:,]+:[ \t]{0,3}[^\s\"'\\&,]+"
_ONE_ITEM = r"(?:" + _A_MARK + r")?[^\s\"'\\&:,}\])]*(?::[ \t]{0,3}[^\s\"'\\&,}\])]+|)"
_KEYS = re.compile(r"(?P<name>(?<=[A-Z0-9])_KEYS)(?P<between>" + _PAIR + ")")
_ITEMS = (
    re.compile("(?:" + _QUOTED + r"|(?P<bare>" + _ITEM + r"(?:,[ \t]{0,3}" + _ITEM + r")*|[^\s\"'\\&,]+))"),
    re.compile("(?:" + _QUOTED + "|(?P<bare>" + _ONE_ITEM + "))"),
)

_SEVERAL = r"(?i:passwor(?:ds|ter)|passwd?s|passphrases|secrets|tokens|credentials)"
_NAMES_SEVERAL = re.compile(r"(?:.*[^A-Za-z])?" + _SEVERAL, re.DOTALL)
_GROUP = re.compile(r"(?P<name>\b" + _SEVERAL + _PAIR + r")(?P<inside>\[[^\[\]{}\r\n]{0,2000}\]|\{[^{}\r\n]{0,2000}\})")
_IN_GROUP = re.compile(r"(?P<open>\\?[\"'])(?P<quoted>(?:(?!(?P=open))[^\r\n])*)(?P=open)(?P<key>[ \t]*:)?")

_PUBLIC = re.compile(
    r"(?i)(?:public|primary|foreign|sort|cache|host|history|group|project|space|issue|authorized|trusted|known)[_.-]?$"
)
_OTHER = re.compile(
    r"(?i)(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached|first|second|third|last|next|single|multi|one|two|by|over|under|low|high"
    r"|band|all|should|must|will|did|does|do|to|can|gpio|led|board)[_-]?$|\btest_\w*$"
)
"""Before "pass" or "pin": ``proxy_pass`` is nginx's, ``first_pass`` is a turn, ``test_examples_pass`` a sentence."""

_OF_A_LOGIN = re.compile(r"(?i)(?:^|[^A-Za-z])(?:auth|db|sip|smtp|user|admin|login|redis|mongo|trunk)-$")
_COUNT = re.compile(r"\d{1,5}[.,;)}\]]*(?:\s|\Z)")
_HARMLESS = frozenset(
    (
        *("missing", "empty", "absent", "placeholder", "unset", "set", "none", "null", "true", "false", "is", "not"),
        *("yes", "no", "required", "present", "unknown", "changed", "optional", "denied"),
        *("str", "string", "int", "bool", "bytes"),
    )
)
"""Words that are said *of* a setting, never the value of one: ``S3_SECRET_KEY: missing``."""

_HINT = re.compile(
    r"(?i)secret|token|pass|pwd|phrase|credential|signature|key|pin|masterauth|authorization|cookie"
    r"|kennwort|contrase\u00f1a|mot de|clave|senha"
)

Mark = Callable[[str], str]
Values = tuple[re.Pattern[str], re.Pattern[str]]


def is_mark(text: str) -> bool:
    """True for what stands where something was cut, and nothing else."""
    return _MARKED.fullmatch(text) is not None


def cut_shapes(text: str, mark: Mark) -> str:
    """``text`` with every secret that shows by its shape or name replaced by what ``mark`` says of it."""

    def behind(found: re.Match[str]) -> str:
        return found["name"] + mark(found[0][len(found["name"]) :])

    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(lambda found: mark(found[0]), text)
    if "@" in text:
        text = _AUTHORITY.sub(behind, _SIP.sub(behind, _URL.sub(behind, text)))
    if "%40" in text:
        text = _ENCODED.sub(behind, text)
    text = _BEARER.sub(behind, _DIGEST.sub(behind, _HEADER.sub(behind, text)))
    if _HINT.search(text):
        text = _GROUP.sub(lambda found: found["name"] + _in_group(found["inside"], mark), text)
        for names, values in ((_KEYS, _ITEMS), (_NAMED, _VALUE), (_OPTION, _VALUE)):
            text = _cut_values(names, values, text, mark)
        text = _SAID.sub(lambda found: _behind_word(found, mark), text)
    text = _ADDRESS.sub(behind, text)
    text = _PLACED.sub(lambda found: _behind_word(found, mark), text)
    # A run that is no token is passed over whole: behind each dash another one would begin.
    return _MAKE.sub(lambda found: found[0] if found["run"] and not found["token"] else mark(found[0]), text)


def _behind_word(found: re.Match[str], mark: Mark) -> str:
    """A word that may be one: with digits among its letters, or signs."""
    value = found["value"]
    end = len(value.rstrip(".,;:)}\\"))
    if not _TOLD.fullmatch(value[:end]) or _OF_KINDS.fullmatch(value) or is_mark(value[:end]) or value.startswith(("$", "{")):
        return found[0]
    return found["name"] + mark(value[:end]) + value[end:]


def says_secret(name: str, value: str) -> bool:
    """True if ``name`` is what secrets are called and ``value`` is not a word about one."""
    if not _HINT.search(name) or is_word_about_one(value):
        return False
    pair = f'"{name}": "value"'
    named = (_cut_values(names, _VALUE, pair, lambda _: MARK) != pair for names in (_NAMED, _KEYS))
    return any(named) or _HEADER.fullmatch(f"{name}: value") is not None


def says_secrets(name: str) -> bool:
    """True if what stands under ``name`` are several secrets: ``{"passwords": {"trunk-1": ".."}}``."""
    return _HINT.search(name) is not None and _NAMES_SEVERAL.fullmatch(name) is not None


def is_word_about_one(value: str) -> bool:
    """True for ``missing`` and its like: said of a setting, never the value of one."""
    return not value or value.lower() in _HARMLESS


def is_value_of(option: str, value: str) -> bool:
    """True if ``option`` is one of a command line that takes a secret, and ``value`` can be one."""
    return _OPTION.fullmatch(f"{option} ") is not None and not is_word_about_one(value.strip(".,;:)"))


def _cut_values(names: re.Pattern[str], values: Values, text: str, mark: Mark) -> str:
    """``text`` without what stands behind such names. Where name or value says that it is no secret, the search goes on within
    the value.
    """
    parts, done, at = [], 0, 0
    while (named := names.search(text, at)) is not None:
        at = named.end()
        if not _is_called_so(named):
            continue
        begin, end = _secret_behind(named, values)
        if begin < end:
            parts += [text[done:begin], mark(text[begin:end])]
            done = at = end
    return "".join((*parts, text[done:])) if parts else text


def _secret_behind(named: re.Match[str], values: Values) -> tuple[int, int]:
    """From where to where the value stands, without its quotes; nothing where it is no secret."""
    text, begin = named.string, named.end()
    bare = "=" not in named["between"]
    marked = _MARKED.match(text, begin)
    if bare and text[begin : begin + 1] in ("{", "[", "(") and marked is None:
        return begin, begin  # a list or an object: what is secret in it has a name of its own
    found = values[bare].match(text, begin)
    if found is None:
        return begin, begin
    begin, end = found.span("bare" if found["open"] is None else "quoted")
    if is_word_about_one(text[begin:end].strip(".,;:)")):
        return begin, begin
    return begin, end


def _is_called_so(found: re.Match[str]) -> bool:
    """True if the name is a secret's: by itself, or with what stands before it."""
    name, before = found["name"], found.string[max(0, found.start() - 80) : found.start()]
    if name[:3].lower() == "key" or name == "_KEYS":
        return _PUBLIC.search(before) is None
    if re.match(r"(?i)pass(?!w|p)|pin", name) is None:
        return name != "PASSWD" or not before.endswith("NO")  # NOPASSWD: is a tag of sudoers, and a command stands behind it
    if _OTHER.search(before):
        return False
    last, assigned = before[-1:], "=" in found["between"]
    if last == "_":
        return True
    if last.isalnum():
        return name[0].isupper() and last.islower()
    if last == "-":
        return assigned or _OF_A_LOGIN.search(before) is not None
    if found["between"][0] not in "\\\"'" and not assigned:
        return False
    return not (name[:4].lower() == "pass" and _COUNT.match(found.string, found.end()))


def _in_group(text: str, mark: Mark) -> str:
    """A list or a mapping of secrets: every quoted string of it that is no key."""

    def one(found: re.Match[str]) -> str:
        value = found["quoted"]
        return found[0] if found["key"] or is_word_about_one(value) else f"{found['open']}{mark(value)}{found['open']}"

    return _IN_GROUP.sub(one, text)
