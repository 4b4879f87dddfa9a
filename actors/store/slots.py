"""How many connections a Postgres server takes, and how many it has. Reads only."""

from dataclasses import dataclass

from actors.store.first_contact import open_plainly


@dataclass(frozen=True, slots=True)
class Slots:
    """Of a server, for all of its databases and users together."""

    most: int
    """``max_connections``."""
    reserved: int = 0
    """Of them, those that this user doesn't get."""
    in_use: int = 0
    """By others than whoever asked."""

    @property
    def free(self) -> int:
        return self.most - self.reserved - self.in_use


def slots(url: str) -> Slots:
    """Ask the server.

    Raises:
        ConfigError: it can't be reached.
    """
    with open_plainly(url) as connection:
        # pg_stat_activity shows a plain user nobody else's sessions. reserved_connections came with Postgres 16.
        found = connection.execute(
            """select current_setting('max_connections')::int as most,
                      case when current_setting('is_superuser') = 'on' then 0
                           else current_setting('superuser_reserved_connections')::int
                                + coalesce(current_setting('reserved_connections', true)::int, 0) end as reserved,
                      (select coalesce(sum(numbackends), 0)::int from pg_stat_database) - 1 as in_use"""
        ).fetchone()
    assert found is not None
    return Slots(found["most"], found["reserved"], max(0, found["in_use"]))
