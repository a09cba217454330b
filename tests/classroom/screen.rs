//! What one does on the classroom's page, and what one sees there.
#![allow(dead_code)] // The tests with TLS use a part of it.

use crate::guest::Classroom;
use crate::support::webdriver::{Browser, Tab, Theme};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A page of the classroom, in a tab of its own.
pub(crate) fn visit(browser: &Browser, classroom: &Classroom) -> Tab {
    let tab = browser.new_tab();
    browser.viewport(1280, 900);
    browser.visit(&classroom.url());
    browser.wait_until("a visitor", "byId('visitor').textContent !== '…'");
    tab
}

pub(crate) fn connect(browser: &Browser) {
    // The bar with the sections stays at the top of the window, and may hide what one has scrolled past.
    browser.run("scrollTo(0, 0)");
    browser.click("#exhibit-toggle");
    browser.wait_until("an open exhibit", "byId('exhibit-state').textContent === 'open'");
}

pub(crate) fn frame_listed(browser: &Browser, title: &str) {
    let titles = "[...document.querySelectorAll('#frames-view-list li')].map((item) => item.textContent)";
    browser.wait_until(title, &format!("{titles}.some((each) => each.endsWith({}))", json!(title)));
}

/// Chooses the newest frame with this title, and waits until it is taken apart.
pub(crate) fn look_at(browser: &Browser, title: &str) {
    frame_listed(browser, title);
    let script = "const items = [...document.querySelectorAll('#frames-view-list li')];
        items.filter((item) => item.textContent.endsWith(arguments[0])).pop().click();";
    browser.run_with(script, json!([title]));
    let heading = "document.querySelector('#frames-view-detail h3')?.textContent";
    browser.wait_until(title, &format!("{heading}.endsWith({})", json!(title)));
}

/// A row of the table of the frame's fields, or of its payload, cell by cell.
pub(crate) fn row(browser: &Browser, table: &str, first: &str) -> Vec<String> {
    let script = "const rows = [...document.querySelectorAll(arguments[0] + ' tbody tr')];
        const row = rows.find((row) => row.cells[0].textContent === arguments[1]);
        return row ? [...row.cells].map((cell) => cell.textContent) : [];";
    let cells = browser.run_with(script, json!([table, first]));
    cells.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect()
}

pub(crate) fn field(browser: &Browser, name: &str) -> (String, String) {
    let cells = row(browser, "#frames-view-fields", name);
    assert_eq!(cells.len(), 3, "no field {name}");
    (cells[1].clone(), cells[2].clone())
}

/// The steps in a ladder, each as `kind call`.
pub(crate) fn steps(browser: &Browser, ladder: &str, role: &str) -> Vec<String> {
    let script = "return [...document.querySelectorAll(arguments[0] + ` li[data-role=${arguments[1]}]`)]
        .map((item) => item.dataset.step + ' ' + (item.dataset.call || ''))";
    let steps = browser.run_with(script, json!([ladder, role]));
    steps.as_array().unwrap().iter().map(|step| step.as_str().unwrap().trim().to_owned()).collect()
}

/// Each width, each theme, the whole page.
pub(crate) fn take(browser: &Browser, name: &str, folder: &Path) {
    for width in [390, 1280, 1920] {
        browser.viewport(width, 900);
        browser.run("scrollTo(0, 0)");
        for theme in [Theme::Light, Theme::Dark] {
            browser.theme(theme);
            let file: PathBuf = folder.join(format!("{name}-{width}-{theme:?}.png").to_lowercase());
            browser.screenshot_of_page(&file);
        }
    }
    browser.viewport(1280, 900);
    browser.theme(Theme::Light);
}
