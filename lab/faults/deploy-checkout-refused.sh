# The host may not fetch any more: a deploy stops at its first move.
# host: sip-1
# deploy: dialler
# violated: release-was-checked-out[dialler-sip-1]
# blind: release-was-installed[dialler-sip-1] service-was-restarted[dialler-sip-1] service-became-healthy[dialler-sip-1]
# follow: by hand, the deploy has gone back by itself: what its hint says is for the next one
KEY=/home/deploy/.ssh/id_ed25519
inject() { mv $KEY $KEY.away; }
landed() { ! as_deploy env HOME=/home/deploy git -C /opt/vox-dialler ls-remote -q; }
mend() { mv $KEY.away $KEY; }
