"""The document port's contract, over every adapter."""

import pytest

from stores.documents import Collection, Document, DocumentStore, Scalar, StoreError

CHAIRS = Collection("chairs", indexes=("colour", "seats"))
COLOURS = ["red", "blue", "red", "green", "red"]


async def _some(store: DocumentStore) -> list[Document]:
    chairs: list[Document] = [
        {"_id": f"c{i}", "colour": colour, "seats": i % 3, "folds": i == 1, "more": {"김": [i]}}
        for i, colour in enumerate(COLOURS)
    ]
    await store.put(CHAIRS, chairs)
    return chairs


async def _ids(store: DocumentStore, where: dict[str, Scalar] | None = None) -> list[str]:
    return [d["_id"] async for d in store.find(CHAIRS, where)]


async def test_documents_come_back_as_they_were_in_the_order_asked(
    documents: DocumentStore,
) -> None:
    """`get` keeps the order of the ids and leaves out the unknown."""
    chairs = await _some(documents)
    assert await documents.get(CHAIRS, ["c3", "nobody", "c0"]) == [chairs[3], chairs[0]]


async def test_put_replaces_whole_documents(documents: DocumentStore) -> None:
    """A second put leaves no field of the first."""
    await _some(documents)
    await documents.put(CHAIRS, [{"_id": "c0", "colour": "black"}])
    assert await documents.get(CHAIRS, ["c0"]) == [{"_id": "c0", "colour": "black"}]
    assert await documents.count(CHAIRS) == 5


async def test_delete_tells_how_many_there_were(documents: DocumentStore) -> None:
    """Unknown ids do not count; the others are gone."""
    await _some(documents)
    assert await documents.delete(CHAIRS, ["c0", "c4", "nobody"]) == 2
    assert await _ids(documents) == ["c1", "c2", "c3"]
    assert await documents.delete_where(CHAIRS, {"colour": "red"}) == 1


async def test_what_is_below_a_bound_goes_the_lowest_first(documents: DocumentStore) -> None:
    """So many at a time; what is at the bound, or has no number there, stays."""
    seats: list[Scalar] = [3, 1.5, 2, -1, 2.5, True, "0", None]
    chairs = [{"_id": f"c{i}", "seats": value} for i, value in enumerate(seats)]
    await documents.put(CHAIRS, [*chairs, {"_id": "none"}])
    assert await documents.delete_below(CHAIRS, "seats", 2.5, limit=2) == 2
    assert await _ids(documents) == ["c0", "c2", "c4", "c5", "c6", "c7", "none"]
    assert await documents.delete_below(CHAIRS, "seats", 2.5, limit=2) == 1
    assert await documents.delete_below(CHAIRS, "seats", 2.5, limit=2) == 0
    assert await _ids(documents) == ["c0", "c4", "c5", "c6", "c7", "none"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"colour": "red"}, ["c0", "c2", "c4"]),
        ({"colour": "red", "seats": 1}, ["c4"]),
        ({"folds": True}, ["c1"]),
        ({"seats": True}, []),
        ({"folds": 1}, []),
        ({"missing": None}, ["c0", "c1", "c2", "c3", "c4"]),
        ({"colour": 'it\'s "quoted"'}, []),
        ({"_id": "c2"}, ["c2"]),
    ],
)
async def test_find_and_count_compare_value_and_type(
    documents: DocumentStore, where: dict[str, Scalar], expected: list[str]
) -> None:
    """Equality on several fields; True is not 1, None is a missing field."""
    await _some(documents)
    assert await _ids(documents, where) == expected
    assert await documents.count(CHAIRS, where) == len(expected)


async def test_find_orders_by_a_field_then_id_and_pages(documents: DocumentStore) -> None:
    """Ascending, descending, limited and continued behind a value."""
    await _some(documents)

    async def found(**options: object) -> list[str]:
        return [d["_id"] async for d in documents.find(CHAIRS, **options)]  # type: ignore[arg-type]

    assert await found(order_by="seats") == ["c0", "c3", "c1", "c4", "c2"]
    assert await found(order_by="seats", descending=True) == ["c2", "c4", "c1", "c3", "c0"]
    assert await found(order_by="seats", after=0) == ["c1", "c4", "c2"]
    assert await found(order_by="seats", after=2, descending=True, limit=2) == ["c4", "c1"]
    assert await found(after="c2") == ["c3", "c4"]
    assert await found(limit=0) == []


async def test_find_goes_through_more_than_a_page(documents: DocumentStore) -> None:
    """Every document comes once, though many share the order field's value."""
    many = Collection("many", indexes=("group",))
    await documents.put(many, ({"_id": f"{i:05}", "group": i % 2} for i in range(1203)))
    found = [d["_id"] async for d in documents.find(many, order_by="group")]
    assert found == sorted(found, key=lambda key: (int(key) % 2, key))
    assert len(found) == 1203


@pytest.mark.parametrize("descending", [False, True])
async def test_documents_without_the_order_field_are_found_too(
    documents: DocumentStore,
    descending: bool,  # noqa: FBT001 -- pytest passes it
) -> None:
    """First upwards, last downwards, also where a page ends among them."""
    some = Collection("some", indexes=("rank",))
    ranked = [{"_id": f"{i:05}", "rank": i % 2} for i in range(700)]
    await documents.put(some, [*ranked, *({"_id": f"x{i:05}"} for i in range(700))])
    found = [d async for d in documents.find(some, order_by="rank", descending=descending)]
    keys = [(d.get("rank", -1), d["_id"]) for d in found]
    assert keys == sorted(keys, reverse=descending)
    assert len(keys) == 1400


@pytest.mark.parametrize(
    "document",
    [{"_id": 7}, {"no": "id"}, {"_id": "x", "n": 2**64}, {"_id": "x", "t": "\ud800"}],
    ids=["number as id", "no id", "too large", "surrogate"],
)
async def test_what_is_no_document_is_refused(
    documents: DocumentStore, document: Document
) -> None:
    """`StoreError`, and nothing is written."""
    with pytest.raises(StoreError):
        await documents.put(CHAIRS, [document])
    assert await documents.count(CHAIRS) == 0


async def test_collections_do_not_mix(documents: DocumentStore) -> None:
    """The same id in two collections is two documents."""
    await documents.put(CHAIRS, [{"_id": "same", "colour": "red"}])
    await documents.put(Collection("tables"), [{"_id": "same", "colour": "blue"}])
    assert await documents.get(CHAIRS, ["same"]) == [{"_id": "same", "colour": "red"}]
