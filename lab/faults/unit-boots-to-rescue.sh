# The next boot goes to the rescue target: every unit is enabled, and none of them is started.
# host: fleet-2
# violated: unit-is-active[fleet-2-*]
# follow: mends
LINK=/etc/systemd/system/default.target
inject() { systemctl set-default rescue.target; }
landed() { [ "$(basename "$(readlink $LINK)")" = rescue.target ]; }
mend() { systemctl set-default multi-user.target; }
