"""Which settings of git change nothing of what a deploy fetches and checks out, and run nothing by themselves while it does.

Plain is what words are shown in, who commits, how one merges, what an alias stands for: it counts when a person types it. Not
plain is what runs a program on fetch or checkout (a hook, ``core.fsmonitor``, a filter, ``remote.*.uploadpack``, a command of a
submodule's), what fetches from elsewhere (``url.*.insteadOf``, another remote, a bundle, a partial clone) and what changes which
files are checked out (``core.worktree``, sparse checkouts, ``core.attributesFile``).

How an account comes to the forge (``core.sshCommand``, a credential helper) is its own: a commit is named by its content, so it
is the same from wherever it comes. In the repository such a setting is somebody else's way, and is not plain. Filters of the
account or the system have no say in the gate's own checkout, which reads neither: those of Git LFS, which its package brings,
are plain there.
"""

from __future__ import annotations

import re

ACCOUNTS = "account "
"""So begins the name of a setting that is the account's or the system's, and not the repository's."""
_PLAIN = re.compile(
    r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|autocrlf|eol|safecrlf"
    r"|quotepath|sharedrepository|abbrev|(loose)?compression|untrackedcache|commitgraph|multipackindex|preloadindex|fsync\w*"
    r"|editor|pager|excludesfile|commentchar|commentstring|whitespace|checkstat|trustctime|longpaths|bigfilethreshold"
    r"|deltabasecachelimit|packedgit\w+|warnambiguousrefs|protecthfs|protectntfs|notesref|createobject|checkroundtripencoding)"
    r"|extensions\.(objectformat|refstorage)"
    r"|remote\.origin\.(url|fetch|tagopt|prune|prunetags)|branch\.(.+\.(remote|merge|rebase|description)|autosetup\w+|sort)"
    r"|safe\.(directory|barerepository)|init\.defaultbranch|ssh\.variant|transfer\.(fsckobjects|credentialsinurl|unpacklimit)"
    # Only what a person types asks for these.
    r"|(alias|user|author|committer|blame|browser|checkout|clone|commit|completion|diff|difftool|feature|format|gpg|grep|gui|gitk"
    r"|help|interactive|man|merge|mergetool|notes|pager|rebase|rerere|sendemail|sequence|showbranch|stash|tag|trailer|versionsort"
    r"|web)\..+"
    r"|http\.(.+\.)?(proxy\w*|sslca\w+|sslcert\w*|sslkey|sslversion|sslcipherlist|version|useragent|postbuffer|lowspeed\w+"
    r"|extraheader|maxrequests|minsessions|pinnedpubkey|followredirects|cookiefile|savecookies|delegation|emptyauth|noepsv)"
    r"|(?!.*(hook|uri|command|program|path)$)"  # what runs or fetches something is never plain, whatever it belongs to
    r"(pull|push|fetch|color|advice|gc|maintenance|pack|index|log|status|column)\.[\w.-]+"
)
_OF_AN_ACCOUNT = re.compile(r"core\.(sshcommand|askpass)|credential\..+|include\.path|includeif\.gitdir.*|filter\.lfs\.\w+")


def strange(names: tuple[str, ...]) -> list[str]:
    """The settings that are not plain, in words, as they came."""
    return [
        f"{name.removeprefix(ACCOUNTS)} (of the account or the system)" if name.startswith(ACCOUNTS) else name
        for name in names
        if not _is_plain(name)
    ]


def _is_plain(name: str) -> bool:
    if name.startswith(ACCOUNTS):
        name = name.removeprefix(ACCOUNTS)
        return bool(_PLAIN.fullmatch(name) or _OF_AN_ACCOUNT.fullmatch(name))
    return _PLAIN.fullmatch(name) is not None
