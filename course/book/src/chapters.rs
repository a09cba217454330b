//! Which pages are there, and in which order?
//!
//! Nobody writes this list: a unit is in the book when it is in the table of units, and a mistake when it is in the
//! catalogue. Here is decided what stands around them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lab::catalogue::Catalogue;
use lab::units::{UNITS, Unit};

use crate::places::{self, folder, relative, resolved};
use crate::{Problem, includes, links, listing, mistakes, tour};

/// One page, its links led into the book.
pub struct Page {
    /// In the book, with `.md`.
    pub path: String,
    pub title: String,
    /// 0 for a chapter, 1 for what belongs to the chapter before it.
    pub depth: usize,
    pub text: String,
}

/// Whatever stands in the table of contents.
pub enum Entry {
    Part(&'static str),
    Page(Page),
}

pub struct Chapters {
    pub entries: Vec<Entry>,
    /// Files and folders of the repository that a page leads to, and that are no pages.
    pub shown: BTreeSet<String>,
    /// Pictures and data, which are copied as they are.
    pub copied: BTreeSet<String>,
}

/// A page to come: where it is from, where it goes.
struct Plan {
    /// The file of the repository. Generated pages have the name of one that is not there, so that links are reckoned alike.
    origin: String,
    path: String,
    title: String,
    depth: usize,
    generated: Option<String>,
}

enum Planned {
    Part(&'static str),
    Page(Plan),
}

/// All pages, in order.
pub fn chapters() -> Result<Chapters, Problem> {
    let plans = plans()?;
    let pages: Vec<&Plan> =
        plans.iter().filter_map(|plan| if let Planned::Page(page) = plan { Some(page) } else { None }).collect();
    let (mut shown, mut copied) = (BTreeSet::new(), BTreeSet::new());
    let mut entries = Vec::new();
    for plan in &plans {
        entries.push(match plan {
            Planned::Part(title) => Entry::Part(title),
            Planned::Page(plan) => {
                let text = text(plan)?;
                let mut place = |name: &str| -> String {
                    if let Some(page) =
                        pages.iter().find(|page| page.origin == name || page.origin == format!("{name}/index.md"))
                    {
                        page.path.clone()
                    } else if listing::is_copied(name) {
                        copied.insert(name.to_owned());
                        listing::path_of_copy(name)
                    } else {
                        shown.insert(name.to_owned());
                        listing::path_of(name)
                    }
                };
                let text = led(plan, &text, &mut place)?;
                let text = with_slides(plan, text);
                Entry::Page(Page { path: plan.path.clone(), title: plan.title.clone(), depth: plan.depth, text })
            }
        });
    }
    Ok(Chapters { entries, shown, copied })
}

impl Chapters {
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.entries.iter().filter_map(|entry| if let Entry::Page(page) = entry { Some(page) } else { None })
    }

    /// What mdBook reads first.
    pub fn summary(&self) -> String {
        let mut text = "# Summary\n".to_owned();
        for entry in &self.entries {
            let _ = match entry {
                Entry::Part(title) => write!(text, "\n# {title}\n\n"),
                // Before the first part a page has no bullet and no number.
                Entry::Page(page) if !text.contains("\n# ") => writeln!(text, "\n[{}]({})", page.title, page.path),
                Entry::Page(page) => writeln!(text, "{}- [{}]({})", "  ".repeat(page.depth), page.title, page.path),
            };
        }
        text
    }
}

fn plans() -> Result<Vec<Planned>, Problem> {
    let catalogue = Catalogue::load()?;
    let page = |origin: &str, path: &str, title: &str| plan(origin, path, title, 0);
    let mut plans = vec![page("course/README.md", "index.md", "The course"), Planned::Part("The units")];
    for unit in UNITS {
        plans.extend(of_unit(unit, "unit.md", &format!("{}. {}", unit.number, unit.title), 0));
    }
    plans.push(Planned::Part("To look up"));
    plans.push(page(tour::TOUR, "reading-the-source.md", "How to read the source"));
    plans.push(page("course/wlanguage.md", "wlanguage.md", "The functions of WLanguage"));
    plans.push(page("course/measured/lesson.md", "measured/lesson.md", "What was measured"));
    plans.push(Planned::Page(Plan {
        origin: format!("{}/index.md", mistakes::FOLDER),
        path: "mistakes/index.md".to_owned(),
        title: "The mistakes".to_owned(),
        depth: 0,
        generated: Some(mistakes::overview(&catalogue)),
    }));
    for mistake in mistakes::in_order(&catalogue).into_iter().flat_map(|(_, mistakes)| mistakes) {
        let name = format!("{}/{}.md", mistakes::FOLDER, mistake.slug);
        plans.push(Planned::Page(Plan {
            path: format!("mistakes/{}.md", mistake.slug),
            title: mistake.title.clone(),
            depth: 1,
            generated: Some(mistakes::page(&name)?),
            origin: name,
        }));
    }
    plans.push(Planned::Part("For the lecturer"));
    plans.push(page("course/book/lab-session.md", "lab-session.md", "How to run a lab session"));
    for unit in UNITS {
        plans.extend(of_unit(unit, "lecturer.md", &format!("Unit {}: {}", unit.number, unit.title), 0));
        plans.extend(of_unit(unit, "hints.md", "What to say in the room", 1));
    }
    Ok(plans)
}

fn plan(origin: &str, path: &str, title: &str, depth: usize) -> Planned {
    Planned::Page(Plan {
        origin: origin.to_owned(),
        path: path.to_owned(),
        title: title.to_owned(),
        depth,
        generated: None,
    })
}

/// A text of a unit. That it is there at all, the unit's own proof demands.
fn of_unit(unit: &Unit, file: &str, title: &str, depth: usize) -> Option<Planned> {
    let path = format!("units/{}/{file}", unit.label());
    let origin = format!("course/{path}");
    places::root().join(&origin).is_file().then(|| plan(&origin, &path, title, depth))
}

fn text(plan: &Plan) -> Result<String, Problem> {
    let text = match &plan.generated {
        Some(text) => return Ok(text.clone()),
        None => tour::breakable(&plan.origin, places::read(&plan.origin)?),
    };
    let text = includes::expanded(&plan.origin, &text)?;
    match text.split_once(UNITS_HERE) {
        Some((before, after)) => {
            let after = after.find("\n\n").map_or("", |end| &after[end..]);
            Ok([before, &table_of_units(), after].concat())
        }
        None => Ok(text),
    }
}

/// Where the introduction has the table of units. The paragraph below is for a code host, which has no table.
const UNITS_HERE: &str = "<!-- the units -->";

fn table_of_units() -> String {
    let mut text = "| | unit | slides |\n|---|---|---|\n".to_owned();
    for unit in UNITS {
        let (number, title, label) = (unit.number, unit.title, unit.label());
        let there = |file: &str| unit.folder().join(file).is_file();
        let link = |words: &str, file: &str| {
            if there(file) { format!("[{words}](units/{label}/{file})") } else { words.to_owned() }
        };
        let _ = writeln!(text, "| {number} | {} | {} |", link(title, "unit.md"), link("slides", "slides.md"));
    }
    text
}

/// The text with each link leading to where its destination lies in the book.
fn led(plan: &Plan, text: &str, place: &mut impl FnMut(&str) -> String) -> Result<String, Problem> {
    let place = std::cell::RefCell::new(place);
    let told = |problem: Problem| format!("{}: {problem}", plan.origin);
    links::rewritten(text, |says| {
        let (path, fragment) = links::split(says);
        if path.is_empty() || links::is_external(says) {
            return Ok(None);
        }
        let name =
            resolved(folder(&plan.origin), path).ok_or_else(|| format!("{says:?} leads out of the repository"))?;
        if let Some(slides) = slides_of(&name) {
            return Ok(Some(relative(&plan.path, &slides)));
        }
        let generated = name == format!("{}/index.md", mistakes::FOLDER);
        if !generated && !places::root().join(&name).exists() {
            return Err(format!("{says:?} leads to nothing: there is no {name}").into());
        }
        Ok(Some(relative(&plan.path, &(place.borrow_mut())(&name)) + fragment))
    })
    .map_err(|problem| told(problem).into())
}

/// Where the slides of a unit lie in the book, if this is their text: they are no page of it.
fn slides_of(name: &str) -> Option<String> {
    let label = name.strip_prefix("course/units/")?.strip_suffix("/slides.md")?;
    Some(path_of_slides(label))
}

pub fn path_of_slides(label: &str) -> String {
    format!("slides/{label}.html")
}

/// Below its first heading, a unit's page leads to its slides.
fn with_slides(plan: &Plan, text: String) -> String {
    let Some(label) =
        plan.origin.strip_prefix("course/units/").and_then(|rest| rest.split_once('/')).map(|(label, _)| label)
    else {
        return text;
    };
    if !plan.origin.ends_with("/unit.md") || !places::root().join(format!("course/units/{label}/slides.md")).is_file() {
        return text;
    }
    let link = format!("[Slides of this unit]({})", relative(&plan.path, &path_of_slides(label)));
    match text.split_once('\n') {
        Some((heading, rest)) if heading.starts_with("# ") => format!("{heading}\n\n{link}\n{rest}"),
        _ => format!("# {}\n\n{link}\n\n{text}", plan.title),
    }
}
