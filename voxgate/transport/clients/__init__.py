"""Who is asked beside the hosts' shells: HTTP, databases, git's remotes, Bitbucket, npm."""
