"""A network namespace is another machine: own addresses, own firewall, one cable to us."""

import itertools
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_numbers = itertools.count(secrets.randbelow(100))  # two runs on one machine rarely meet


@dataclass(frozen=True, slots=True)
class Namespace:
    """`ours` and `theirs` are the two ends of the cable."""

    name: str
    ours: str
    theirs: str
    ours_v6: str
    theirs_v6: str

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `arguments` on the other machine."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(self, *arguments: str) -> None:
        _run(*self.command(*arguments))

    def drop_udp(self) -> None:
        """A firewall that lets no UDP out or in, as in many administrations."""
        for tables in ("iptables", "ip6tables"):
            for chain in ("INPUT", "OUTPUT"):
                self.run(tables, "-A", chain, "-p", "udp", "-j", "DROP")


def may_make_namespaces() -> bool:
    return os.geteuid() == 0 and shutil.which("ip") is not None


@contextmanager
def namespace() -> Iterator[Namespace]:
    """A new one with a cable to us, taken away at the end."""
    number = next(_numbers) % 200
    name, near, far = f"visio-{secrets.token_hex(3)}", f"vis{number}a", f"vis{number}b"
    made = Namespace(name, f"10.77.{number}.1", f"10.77.{number}.2", f"fd77:{number:x}::1", f"fd77:{number:x}::2")
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        _run("ip", "address", "add", f"{made.ours}/24", "dev", near)
        # nodad: usable at once, without the second in which duplicates are looked for.
        _run("ip", "address", "add", f"{made.ours_v6}/64", "dev", near, "nodad")
        _run("ip", "link", "set", near, "up")
        made.run("ip", "address", "add", f"{made.theirs}/24", "dev", far)
        made.run("ip", "address", "add", f"{made.theirs_v6}/64", "dev", far, "nodad")
        made.run("ip", "link", "set", far, "up")
        made.run("ip", "link", "set", "lo", "up")
        yield made
    finally:
        _run("ip", "netns", "delete", name)  # takes both ends of the cable with it
        subprocess.run(["ip", "link", "delete", near], check=False, capture_output=True)  # unless that failed


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
