"""Who is asked beside the hosts' shells: HTTP, databases, git's remotes, Bitbucket, npm."""

from voxgate.transport.without import without

with without("click"):  # for httpx's own command line alone, with all of rich
    import httpx  # noqa: F401
