//! What does a student see who types `cargo lab ...`?
//!
//! The runner's own program, in a folder of labs that has a space in its name, started from somewhere else.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Student {
    labs: PathBuf,
}

impl Student {
    fn new(name: &str) -> Self {
        let labs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("labs of {name}"));
        let _ = fs::remove_dir_all(&labs);
        fs::create_dir_all(&labs).unwrap();
        Self { labs }
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args(words.split(' ')).env("LAB_FOLDER", &self.labs).current_dir("/");
        command.stdin(Stdio::null()).env_remove("RUSTFLAGS");
        command
    }

    /// What it said, and its answer to the shell.
    fn types(&self, words: &str) -> (String, Option<i32>) {
        let output = self.command(words).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains('\x1b'), "not a terminal, so no colour and no progress: {text}");
        (text, output.status.code())
    }

    fn sees(&self, words: &str, code: i32, parts: &[&str]) {
        let (text, answer) = self.types(words);
        assert_eq!(answer, Some(code), "{words}: {text}");
        for part in parts {
            assert!(text.contains(part), "{words} does not say {part:?}: {text}");
        }
    }

    fn solves(&self) {
        self.solves_unit("04-line-chat");
    }

    fn solves_unit(&self, label: &str) {
        let solution = lab::catalogue::course().join("units").join(label).join("solution.rs");
        fs::copy(solution, self.labs.join(label).join("src/main.rs")).unwrap();
    }
}

#[test]
fn from_the_list_to_a_pass() {
    let student = Student::new("Anna");
    student.sees("list", 0, &["not started", "Delimiter framing", "Begin with: cargo lab start 1"]);
    student.sees("hint 4", 0, &["nothing to hint at"]);
    student.sees("check 4", 2, &["cargo lab start 4"]);
    student.sees("check 99", 2, &["there is no unit 99"]);
    student.sees("start 4", 0, &["main.rs", "cargo lab check 4"]);
    let starter = fs::read_to_string(student.labs.join("04-line-chat/src/main.rs")).unwrap();
    assert!(starter.contains("HOLE 1") && !starter.contains("ANCHOR"), "{starter}");
    student.sees("start 4", 2, &["there already"]);
    student.sees(
        "check 4 --seed 7",
        1,
        &["hole-left-open", "came to a hole", "hole 1", "--seed 7", "cargo lab hint 4"],
    );
    student.sees("hint 4", 0, &["1 of 3"]);
    student.sees("hint 4", 0, &["2 of 3"]);
    student.sees("hint 4", 0, &["3 of 3"]);
    // Its text is the copy in the student's folder; the other lies beside the solution.
    let copy = student.labs.join("04-line-chat/unit.md").display().to_string();
    student.sees("hint 4", 0, &["no more hints", &copy]);
    student.sees("list", 0, &["hole-left-open", "Go on with: cargo lab check 4"]);
    fs::write(student.labs.join("04-line-chat/src/main.rs"), "fn main() { nothing }").unwrap();
    student.sees("check 4", 1, &["program-does-not-compile", "nothing"]);
    student.solves();
    let all = points_of_unit_4();
    student.sees("check 4", 0, &[&format!("Passed: {all} of {all}"), "To look at next"]);
    student.sees("list", 0, &["passed", "Go on with: cargo lab start 5"]);
    student.sees("hint 4", 0, &["nothing to hint at", &copy]);
    student.sees("grade", 0, &[&format!("{all} of {all} points")]);
}

/// The proof runs many checks in one process. A student's runner is alone with one program, and ends whatever it started:
/// a probe that started the program twice once lost the second one by that.
#[test]
fn each_solution_passes_as_a_student_runs_it() {
    let student = Student::new("Ida");
    for unit in lab::units::UNITS {
        student.sees(&format!("start {}", unit.number), 0, &[]);
        student.solves_unit(&unit.label());
        student.sees(&format!("check {}", unit.number), 0, &["Passed"]);
    }
}

#[test]
fn the_next_hole_begins_with_its_first_hint() {
    let student = Student::new("Frida");
    student.sees("start 4", 0, &[]);
    student.sees("check 4", 1, &["hole-left-open"]);
    student.sees("hint 4", 0, &["1 of 3"]);
    student.sees("hint 4", 0, &["2 of 3"]);
    let file = student.labs.join("04-line-chat/src/main.rs");
    let starter = fs::read_to_string(&file).unwrap();
    fs::write(&file, starter.replace("todo!(\"hole 1\");", "todo!(\"hole 2\");")).unwrap();
    student.sees("check 4", 1, &["hole-left-open"]);
    student.sees("hint 4", 0, &["1 of 3"]);
}

/// `cargo lab list | head -1`: the reader is gone before the first line is written.
#[test]
#[cfg(unix)]
fn nobody_has_to_read_all_of_it() {
    let student = Student::new("Greta");
    for words in ["list", "hint 4", "start 4", "list"] {
        let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        drop(reader);
        let writer = Stdio::from(std::os::fd::OwnedFd::from(writer));
        let output = student.command(words).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains("panicked"), "{words}: {told}");
        assert_eq!(output.status.code(), Some(0), "{words}: {told}");
    }
    assert!(student.labs.join("04-line-chat/src/main.rs").is_file(), "the command did what it is for");
}

/// Two checkouts that share a target directory: cargo may run the one's runner in the other.
#[test]
fn a_runner_of_another_checkout_refuses() {
    let student = Student::new("Hanna");
    let below = student.labs.join("course/units/04-line-chat");
    fs::create_dir_all(&below).unwrap();
    fs::create_dir_all(student.labs.join("course/mistakes")).unwrap();
    let output = student.command("list").current_dir(&below).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("another checkout") && told.contains("CARGO_TARGET_DIR"), "{told}");
}

#[test]
fn a_folder_is_named_as_it_is_seen_from_here() {
    let student = Student::new("Fanny");
    let from_here = |words: &str, code: i32, parts: &[&str]| {
        let output = student.command(words).current_dir(&student.labs).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{words}: {text}");
        for part in parts {
            assert!(text.contains(part), "{words} does not say {part:?}: {text}");
        }
    };
    let mine = student.labs.join("mine");
    let whole = mine.display().to_string();
    from_here("start 4 --into mine", 0, &["cargo lab check 4\n", &format!("cargo lab check 4 --folder \"{whole}\"")]);
    // What was started there is found again from anywhere, without being named, and so is its text.
    let lesson = mine.join("unit.md").display().to_string();
    student.sees("hint 4", 0, &["nothing to hint at", &lesson]);
    student.sees("check 4", 1, &["hole-left-open"]);
    (0..3).for_each(|_| student.sees("hint 4", 0, &["of 3"]));
    student.sees("hint 4", 0, &["no more hints", &lesson]);
    // Of two folders the last one that was started is meant, and the other one is named.
    from_here("start 4", 0, &[]);
    student.solves();
    student.sees("check 4", 0, &["Passed"]);
    from_here("check 4 --folder mine", 1, &["hole-left-open", "--folder mine"]);
    from_here("check 4 --folder ./mine/../04-line-chat", 0, &["Passed"]);
    assert!(mine.join("target").is_dir() && !mine.join("mine").exists(), "it is built where the program is");
}

#[test]
fn one_file_is_a_program_too() {
    let student = Student::new("Berta");
    student.sees("check 4 -- solution.rs", 0, &["Passed"]);
    student.sees("check 4 -- c/solution.c", 0, &["Passed"]);
    student.sees("check 4 --seed 3 -- wrong/delimiter-cut-in-two", 1, &["(delimiter-cut-in-two)"]);
    student.sees("check 4 -- no-such-program {port}", 1, &["program-cannot-be-started"]);
    // With the same seed, and what differs each time replaced, the same to the letter.
    let words = "check 4 --seed 5 --plain -- wrong/unbounded-line";
    assert_eq!(student.types(words), student.types(words));
}

#[test]
fn a_program_that_has_ended_is_not_called_silent() {
    let student = Student::new("Greta");
    let ended =
        ["(count-lost-by-an-error)", "ended without printing anything.", "its end (exit status: 1)", "ends (exit"];
    student.sees("check 7 -- wrong/count-lost-by-an-error", 1, &ended);
    let panicked =
        ["(consequence-told-for-the-cause)", "that is not what it says", "its end (exit status: 101)", "BrokenPipe"];
    student.sees("check 7 -- wrong/consequence-told-for-the-cause--by-a-panic", 1, &panicked);
}

#[test]
fn results_are_written_where_one_asks_for_them() {
    let student = Student::new("Carla");
    let (json, junit, gradescope) = ("results.json", "results.xml", "gradescope.json");
    let path = |name: &str| student.labs.join(name);
    let mut command = student.command("grade 4");
    command.arg("--json").arg(path(json)).arg("--junit").arg(path(junit)).arg("--gradescope").arg(path(gradescope));
    let output = command.args(["--", "wrong/half-a-line-passed-on"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = points_of_unit_4();
    let some = format!("{} of {all} points", all - 1);
    assert!(text.contains(&some), "one point is lost for one mistake: {text}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(path(json)).unwrap()).unwrap();
    assert_eq!((report["points"].as_u64(), report["out_of"].as_u64()), (Some(all - 1), Some(all)));
    let scope: serde_json::Value = serde_json::from_slice(&fs::read(path(gradescope)).unwrap()).unwrap();
    assert_eq!(scope["score"].as_u64(), Some(all - 1));
    assert!(fs::read_to_string(path(junit)).unwrap().contains("failures=\"1\""));
}

#[test]
#[cfg(unix)]
fn a_check_that_is_interrupted_takes_the_program_along() {
    let student = Student::new("Dora");
    let mut check = student.command("check 4 --");
    // It computes, so the check waits for it; and it says who it is.
    let told = student.labs.join("who");
    check.args(["sh", "-c"]).arg(format!("echo $$ >'{}'; while :; do :; done", told.display()));
    let mut check = check.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let process = until(|| fs::read_to_string(&told).ok()?.trim().parse::<u32>().ok());
    let interrupt = Command::new("kill").arg("-INT").arg(check.id().to_string()).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(check.wait().unwrap().code(), Some(130));
    until(|| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        (!status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))).then_some(())
    });
}

#[test]
fn a_watch_checks_again_when_a_file_is_saved() {
    let student = Student::new("Emma");
    student.sees("start 4", 0, &[]);
    let mut watch = student.command("watch 4").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut until_line = |part: &str| lines.by_ref().map(Result::unwrap).any(|line| line.contains(part));
    assert!(until_line("hole-left-open"));
    assert!(until_line("Watching"));
    student.solves();
    assert!(until_line("Passed"));
    assert!(until_line("Watching"));
    watch.kill().unwrap();
    let _ = watch.wait();
}

fn points_of_unit_4() -> u64 {
    lab::units::UNITS.iter().filter(|unit| unit.number == 4).map(|unit| u64::from(unit.points())).sum()
}

fn until<T>(mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        if let Some(result) = done() {
            return result;
        }
        assert!(std::time::Instant::now() < deadline, "it did not happen within 30 s");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
