import runpy


def test_the_page_of_cases_is_made_from_the_cases(repo):
    written = runpy.run_path(str(repo / "tools" / "write_case_docs.py"))["page"]()
    assert (repo / "docs" / "reference" / "decision-cases.md").read_text() == written
