# The checkout has a second remote, from which `git fetch --all` by hand brings whatever lies there.
# host: sip-1
# violated: remote-is-bitbucket[dialler-sip-1]
# follow: mends
inject() { as_deploy git -C /opt/vox-dialler remote add evil git@198.51.100.10:oriserve1/vox-agents.git; }
landed() { as_deploy git -C /opt/vox-dialler remote | grep -q evil; }
mend() { as_deploy git -C /opt/vox-dialler remote remove evil; }
