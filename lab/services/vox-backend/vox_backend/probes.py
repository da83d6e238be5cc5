"""What each store is asked, and how long it may take to answer."""

CHECK_SECONDS = 3.0  # a store on a busy machine is slow, and not away
MONGODB_COMMAND = "ping"
LIVEKIT_PATH = "/"
