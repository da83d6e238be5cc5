# git is gone from a host: what stands in its checkouts cannot be told.
# host: api-1
# blind: head-is-the-release[*-api-1] tree-is-the-commit[*-api-1] no-foreign-files[*-api-1] remote-is-bitbucket[*-api-1] only-deploys-change-code[*-api-1]
#   process-is-the-new-code[api-1-voxbridge]
# cause: api-1: could not look (missing): git is not installed
# follow: by hand, the lab has no mirror to install it from
inject() { mv /usr/bin/git /usr/bin/git.away; }
landed() { ! git version; }
mend() { mv /usr/bin/git.away /usr/bin/git; }
