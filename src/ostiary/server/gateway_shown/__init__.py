"""What people may know of language models at the gateway: figures, conversations from outside, and opening one."""
