"""Search against a model: in any small world it finds what a look at everything would, and a stranger nothing."""

from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from tests.actions.growing import stored
from tests.actions.sharing_world import give
from vaultstream import access, names
from vaultstream.access import Deed
from vaultstream.actions import account, indexing, organize, reach, trash
from vaultstream.actions.search import search
from vaultstream.actor import Actor
from vaultstream.adapters.vault import Vault
from vaultstream.ids import FolderId, ItemId
from vaultstream.listing import ItemWhere
from vaultstream.search import Sought

PEOPLE = 3
LETTERS = st.text(st.sampled_from("aAbß日 "), max_size=4)


@dataclass(frozen=True)
class Planned:
    """An item of one of the people, in one of the folders that they have by then; perhaps shared, or thrown away."""

    owner: int
    place: int
    name: str
    is_folder: bool
    shared_with: int | None
    is_thrown_away: bool


plans = st.lists(
    st.builds(
        Planned,
        owner=st.integers(0, PEOPLE - 1),
        place=st.integers(0, 9),
        name=LETTERS,
        is_folder=st.booleans(),
        shared_with=st.none() | st.integers(0, PEOPLE - 1),
        is_thrown_away=st.sampled_from([False, False, False, True]),
    ),
    min_size=4,
    max_size=9,
)


async def made(vault: Vault, people: list[Actor], plan: list[Planned]) -> list[ItemId]:
    """The world of this plan; what is shared or thrown away is so only once everything is there."""
    folders = {at: [(await account.viewer(vault, actor.user_id)).root_folder_id] for at, actor in enumerate(people)}
    ids: list[ItemId] = []
    for number, each in enumerate(plan):
        actor, name = people[each.owner], f"{each.name}{number}".strip()
        parent: FolderId = folders[each.owner][each.place % len(folders[each.owner])]
        if each.is_folder:
            folder = await organize.create_folder(vault, actor, parent, name)
            folders[each.owner].append(folder.id)
            ids.append(folder.id)
        else:
            ids.append((await stored(vault, actor, parent, name)).id)
    for item_id, each in zip(ids, plan, strict=True):
        if each.shared_with not in {None, each.owner}:
            await give(vault, people[each.owner], item_id, people[each.shared_with])
    # From below: what lies in the trash already cannot be thrown away once more.
    for item_id, each in reversed(list(zip(ids, plan, strict=True))):
        if each.is_thrown_away:
            await trash.throw_away(vault, people[each.owner], item_id)
    return ids


async def visible(vault: Vault, person: Actor, ids: list[ItemId], wanted: Sought) -> list[ItemId]:
    """What a look at everything finds, by the function that decides."""
    every = [it for it in await reach.load(vault, ids) if it is not None]
    seen = [
        lineage.item
        for lineage in await reach.lineages(vault, person, every)
        if access.decide(person.user_id, Deed.READ, lineage, vault.now()).allowed
        and lineage.in_trash == wanted.where.in_trash
        and wanted.text in names.fold(lineage.item.name)
    ]
    seen.sort(key=lambda it: (not names.fold(it.name).startswith(wanted.text), names.fold(it.name), it.id))
    return [it.id for it in seen]


async def found(vault: Vault, actor: Actor, wanted: Sought) -> list[ItemId]:
    """Every page of a search."""
    page = await search(vault, actor, wanted, 3)
    ids = [it.id for it in page.items]
    while page.has_next:
        page = await search(vault, actor, wanted, 3, page.end or page.cursors[-1])
        ids += [it.id for it in page.items]
    return ids


@tried(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a world takes a second: none is made to shrink another
    suppress_health_check=list(HealthCheck),
)
@given(plan=plans, text=LETTERS, order=st.randoms(use_true_random=False))
async def test_a_search_finds_what_a_look_at_everything_would(vault: Vault, newcomer, plan, text, order) -> None:
    people = [await newcomer() for _ in range(PEOPLE)]
    ids = await made(vault, people, plan)
    fed = [*ids, *ids[::2]]
    order.shuffle(fed)
    for at in range(0, len(fed), 3):
        await indexing.refresh(vault, fed[at : at + 3])

    stranger = await newcomer()
    for part in {names.fold(text.strip()), "a"}:
        for in_trash in (False, True):
            wanted = Sought(part, ItemWhere(in_trash=in_trash))
            for person in people:
                assert await found(vault, person, wanted) == await visible(vault, person, ids, wanted)
            assert await found(vault, stranger, wanted) == []
