"""What each store is asked, and how long it may take to answer."""

CHECK_SECONDS = 1.0
MONGODB_COMMAND = "ping"
LIVEKIT_PATH = "/"
