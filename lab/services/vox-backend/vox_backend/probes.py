"""What each store is asked, and how long it may take to answer."""

CHECK_SECONDS = 4.0  # on a busy machine a store is slow, and not away; the gate waits 5 s
MONGODB_COMMAND = "ping"
LIVEKIT_PATH = "/"
