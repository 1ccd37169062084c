"""Leases as names, on a model of a cluster: nodes that lag, answers that are lost, sleepers."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from langchain_memalign import MemoryUnavailableError
from langchain_memalign._stores.qdrant.alias_leases import AliasLeases
from langchain_memalign._stores.qdrant.lease_state import LeaseState

SECONDS = 10
NODES, PROCESSES = 2, 3


class Consensus:
    """What the nodes of a cluster agree on, in one order; each may know only its beginning."""

    def __init__(self):
        self.histories = [{}]
        self.known = [0] * NODES

    def view(self, node):
        return self.histories[self.known[node]]

    def decide(self, node, actions):
        """Carry actions out until one is refused; the node that was asked knows of it then."""
        aliases = dict(self.histories[-1])
        done = True
        for action in actions:
            if action.old is not None and action.old not in aliases:
                done = False
                break
            if action.old is not None:
                aliases[action.new] = aliases.pop(action.old)
            elif action.new is not None:
                aliases[action.new] = "memory"
            else:
                aliases.pop(action.gone, None)
        self.histories.append(aliases)
        self.known[node] = len(self.histories) - 1
        return done


def as_action(said):
    """An alias operation of the client, whichever it is."""
    renamed, made = getattr(said, "rename_alias", None), getattr(said, "create_alias", None)
    return SimpleNamespace(
        old=renamed.old_alias_name if renamed else None,
        new=renamed.new_alias_name if renamed else made.alias_name if made else None,
        gone=None if renamed or made else said.delete_alias.alias_name,
    )


@dataclass
class Line:
    """Requests of one process, through one node, of which answers may be lost."""

    consensus: Consensus
    node: int
    server: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(collection="memory", timeout=5, place="memory")
    )
    loses: bool = False

    def agree(self, actions, *, tolerate=(), is_done=None):
        return self.ask(
            "update_collection_aliases", change_aliases_operations=actions, tolerate=tolerate
        )

    def ask(self, method, *, change_aliases_operations=(), tolerate=(), **_):
        if method == "update_collection_aliases":
            actions = [as_action(said) for said in change_aliases_operations]
            done = self.consensus.decide(self.node, actions)
            if self.loses:
                self.loses = False
                raise MemoryUnavailableError("no answer")
            return True if done else None
        found = self.consensus.view(self.node)
        named = [SimpleNamespace(alias_name=a, collection_name=c) for a, c in found.items()]
        return SimpleNamespace(aliases=named)


@dataclass
class Process:
    """Takes, keeps and gives back one lease as `leases` does, by a clock that the test moves."""

    name: str
    leases: AliasLeases
    state: LeaseState | None = None
    confirmed: float = 0
    seen: tuple[str | None, float] = (None, 0)

    def acts(self, now):
        return self.state is not None and now < self.confirmed + SECONDS / 2


class Leases(RuleBasedStateMachine):
    """Whatever happens, one process at a time acts under the lease, and writes come in order."""

    @initialize()
    def begin(self):
        self.now = 0.0
        self.consensus = Consensus()
        self.processes = []
        for number in range(PROCESSES):
            line = Line(self.consensus, number % NODES)
            self.processes.append(Process(f"p{number}", AliasLeases(line, "m")))
        self.recorded = []

    @rule(number=st.integers(0, PROCESSES - 1), loses=st.booleans())
    def take(self, number, loses):
        process = self.processes[number]
        if process.state is not None:
            return
        process.leases._requests.loses = loses
        try:
            state = process.leases.find("writer")
            if state is None:
                process.leases.create("writer")
                return
            if process.seen[0] != state.stamp:
                process.seen = (state.stamp, self.now)
            dead = self.now - process.seen[1] >= SECONDS
            if not state.is_born:
                if dead:
                    process.leases.withdraw(state)
                return
            if not (state.is_free or state.instance == process.name or dead):
                return
            mine = state.changed(instance=process.name, fence=state.fence + 1, seconds=SECONDS)
            if process.leases.swap(state, mine):
                process.state, process.confirmed = mine, self.now
        except MemoryUnavailableError:
            return

    @rule(number=st.integers(0, PROCESSES - 1), records=st.booleans())
    def change(self, number, records):
        """A sign of life, or a write that is recorded."""
        process = self.processes[number]
        if process.state is None:
            return
        entry = f"e{len(self.recorded)}" if records else process.state.entry
        after = process.state.changed(entry=entry, beat=process.state.beat + 1)
        if process.leases.swap(process.state, after):
            process.state, process.confirmed = after, self.now
            if records:
                self.recorded.append((process.state.fence, entry))
        else:
            process.state = None

    @rule(number=st.integers(0, PROCESSES - 1))
    def give_back(self, number):
        process = self.processes[number]
        if process.state is not None:
            process.leases.offer(process.state, process.state.freed(spent=[]))
            process.state = None

    @rule(number=st.integers(0, PROCESSES - 1))
    def die(self, number):
        """It forgets that it held anything, and never says so."""
        self.processes[number].state = None

    @rule(seconds=st.sampled_from([0.5, 3, 6, 11]))
    def pass_time(self, seconds):
        self.now += seconds

    @rule(number=st.integers(0, PROCESSES - 1))
    def wait_and_take_over(self, number):
        """It watches the lease for as long as its holder may be silent."""
        self.take(number, loses=False)
        self.now += SECONDS
        self.take(number, loses=False)

    @rule(node=st.integers(0, NODES - 1))
    def catch_up(self, node):
        self.consensus.known[node] = len(self.consensus.histories) - 1

    def states(self):
        found = (LeaseState.from_alias(a, "memory") for a in self.consensus.histories[-1])
        return [state for state in found if state is not None]

    @invariant()
    def one_acts(self):
        acting = [process.name for process in self.processes if process.acts(self.now)]
        assert len(acting) <= 1, acting

    @invariant()
    def one_lease_is_born(self):
        assert sum(state.is_born for state in self.states()) <= 1

    @invariant()
    def only_the_holder_has_a_name_to_write_by(self):
        """What anyone else sent, however long ago, finds no collection of its name."""
        names = {a for a in self.consensus.histories[-1] if a.startswith("memalign-turn")}
        leases = self.processes[0].leases
        assert names == {leases.turn(state) for state in self.states()} - {None}

    @invariant()
    def holders_come_in_order(self):
        fences = [fence for fence, _ in self.recorded]
        assert fences == sorted(fences)


TestLeases = Leases.TestCase
TestLeases.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
