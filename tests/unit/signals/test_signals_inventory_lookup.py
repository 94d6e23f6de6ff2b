"""Finding the subject behind a property, as signals of other domains need it: one, or nobody."""

from ostiary.signals.inventory import Catalogue, SubjectEntry


def test_a_property_leads_to_its_one_subject_and_never_to_a_guess() -> None:
    catalogue = Catalogue(
        subjects=(
            SubjectEntry("user", "alice", properties={"email": "a@b.example", "floor": 3}),
            SubjectEntry("user", "bob", properties={"email": "shared@b.example"}),
            SubjectEntry("service", "ci", properties={"email": "shared@b.example"}),
        )
    )
    assert catalogue.subject_with("email", "a@b.example") == "user:alice"
    assert catalogue.subject_with("email", "shared@b.example") == ""
    assert catalogue.subject_with("email", "nobody@b.example") == ""
    assert catalogue.subject_with("floor", "3") == ""
    assert catalogue.subject_with("unknown", "x") == ""
