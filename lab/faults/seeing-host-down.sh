# A fleet host has no power.
# host: machine
# blind: *[*fleet-2*] !release-is-on-main[*] !livekit-is-healthy[*] fleet-runs-one-release each-worker-has-its-own-id
#   capacity-adds-up[*] exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox] clock-is-right[*]
inject() { lab off fleet-2; }
landed() { ! lab exec fleet-2 true; }
mend() { lab on fleet-2; }
