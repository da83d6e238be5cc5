# The remote reads right in the checkout, and the user's own configuration rewrites it for every repository.
# host: api-1
# violated: remote-is-bitbucket[console-api-1] remote-is-bitbucket[backend-api-1]
# follow: mends
inject() { as_deploy env HOME=/home/deploy git config --global url.ssh://198.51.100.66/.insteadOf git@198.51.100.10:; }
landed() { grep -q 198.51.100.66 /home/deploy/.gitconfig; }
mend() { rm /home/deploy/.gitconfig; }
