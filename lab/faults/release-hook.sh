# Git runs a program at each checkout, which moves whatever it likes.
# host: sip-1
# violated: remote-is-bitbucket[dialler-sip-1]
# follow: mends
FILE=/opt/vox-dialler/.git/hooks/post-checkout
inject() { printf '#!/bin/sh\ntouch /tmp/hook\n' | install -o deploy -g deploy -m 755 /dev/stdin $FILE; }
landed() { [ -x $FILE ]; }
mend() { rm -f $FILE /tmp/hook; }
