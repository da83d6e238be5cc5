# The services' account is in the group docker: whoever takes over a service starts a container that has the whole host in it.
# host: sip-1
# violated: sudo-is-minimal[sip-1]
# cause: vox is in the group docker, which is root
# follow: mends
inject() { usermod -aG docker vox; }
landed() { id -nG vox | grep -qw docker; }
mend() { ! id -nG vox | grep -qw docker || gpasswd -d vox docker; }
