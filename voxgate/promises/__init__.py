"""What a service promises to whoever asks it, judged where its code is written: no estate, no SSH, no root."""
