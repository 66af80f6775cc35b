"""Where the command begins: who changes their mind while it loads hears nothing."""

from typing import NoReturn

from rtpipe.interrupt import end_at_once


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    end_at_once()
    from rtpipe.cli import main as run

    run()


if __name__ == "__main__":
    main()
