# A debugger is attached to a worker and lets it go on: it can change what it likes, and no file is another.
# host: fleet-2
# violated: unit-has-only-its-own-processes[fleet-2-voxcore@3]
# follow: mends
TRACES='
import ctypes, signal, sys
library = ctypes.CDLL(None, use_errno=True)
if library.ptrace(0x4206, int(sys.argv[1]), None, None):
    sys.exit(f"ptrace: {ctypes.get_errno()}")
signal.pause()
'
inject() {
	detached tracer python3 -I -c "$TRACES" "$(systemctl show -P MainPID voxcore@3)"
	until_true landed
}
landed() { lives tracer && grep -q "^TracerPid:.$(pid_of tracer)\$" "/proc/$(systemctl show -P MainPID voxcore@3)/status"; }
mend() { ended tracer; }
