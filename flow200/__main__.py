"""`python -m flow200` and the `flow200` command."""

import flow200  # puts the packages on the path, before api is imported


def main() -> None:
    """Run the command line."""
    from api.cli import cli

    cli(prog_name=flow200.__name__)


if __name__ == "__main__":
    main()
