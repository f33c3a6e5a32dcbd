//! What the guide prints, of the dashboard and of this surface, is what the golden files say.

#[test]
fn the_guide_prints_files() {
    testkit::guide::prints_files("docs/guide/front-office.md", 25);
}
