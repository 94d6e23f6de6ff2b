"""``python -m ostiary.cli`` is the ``ostiary`` command."""

from ostiary.cli.app import main

if __name__ == "__main__":
    main()
