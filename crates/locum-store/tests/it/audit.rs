//! The audit log: what is written where, what happens if it cannot be, and what a verification notices.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use locum_engine::model::WhenUnavailable;
use locum_engine::ports::{AuditSink, StoreUnavailable};
use locum_engine::{AuditCode, AuditEvent, ManagementCall};
use locum_store::audit::{AuditLog, AuditOptions, Destination, Head, Lifecycle, Notice, VerifyError, verify};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(20);

fn event(reference: u32) -> AuditEvent {
    AuditEvent {
        at_unix_ms: 1,
        code: AuditCode::Success,
        reference: format!("{reference:016x}"),
        host: "acme.example.com".to_owned(),
        ip: [192, 0, 2, 1].into(),
        tenant: None,
        client_id: Some("a\nb".to_owned()),
        user_id: None,
        actor: None,
        target: None,
        api_type: None,
        scope: None,
        device: None,
        subject_token_sha256: None,
        expires_at: None,
        refusal: None,
        auth0_client: None,
        user_agent: None,
        uncounted: false,
        reused: false,
        management: None,
    }
}

fn open(path: &Path) -> AuditLog {
    AuditLog::open(AuditOptions::new(Destination::File(path.to_owned()))).unwrap()
}

fn open_error(path: &Path) -> String {
    match AuditLog::open(AuditOptions::new(Destination::File(path.to_owned()))) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error.to_string(),
    }
}

fn closed(destination: Destination) -> AuditOptions {
    let mut options = AuditOptions::new(destination);
    options.when_unavailable = WhenUnavailable::Closed;
    options
}

/// Records an event and waits as a request does.
fn record(log: &AuditLog, reference: u32) -> Result<(), StoreUnavailable> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut answer = pin!(log.record(event(reference)).wait());
    loop {
        match answer.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn record_all(log: &AuditLog, references: std::ops::Range<u32>) {
    for reference in references {
        drop(log.record(event(reference)));
    }
}

/// The references of the events in these lines, and what the others say.
fn contents(text: &str) -> Vec<String> {
    let content = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["reference"].as_str().map_or_else(
            || format!("{} {}", line["code"].as_str().unwrap(), line["lost"]),
            |reference| u32::from_str_radix(reference, 16).unwrap().to_string(),
        )
    };
    text.lines().map(content).collect()
}

/// A file with five events, and its folder.
fn five_lines() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = open(&path);
    record_all(&log, 1..6);
    assert_eq!(log.stop(LONG).lost, 0);
    (folder, path)
}

/// What is wrong with a file of five lines after a change of its lines.
fn verified_after(change: impl FnOnce(&mut Vec<String>)) -> String {
    let (_folder, path) = five_lines();
    let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    change(&mut lines);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    match verify(&[&path], &[]) {
        Ok(_) => "unbroken".to_owned(),
        Err(VerifyError::Broken(broken)) => format!("line {}", broken.line),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_file_has_every_event_in_order_and_verifies() {
    let (_folder, path) = five_lines();
    let checks = verify(&[&path], &[]).unwrap();
    assert_eq!((checks[0].after, checks[0].head.seq), (Head::START, 5));
    assert_eq!(contents(&fs::read_to_string(&path).unwrap()), ["1", "2", "3", "4", "5"]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(verified_after(|_| {}), "unbroken");
}

#[test]
fn a_call_of_the_management_api_is_in_its_line_as_far_as_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = open(&path);
    let call = ManagementCall {
        operation: "update_client",
        resource: Some("shop".to_owned()),
        fields: Some("name jwks".to_owned()),
        token_id: None,
    };
    let code = AuditCode::Managed;
    drop(log.record(AuditEvent { code, management: Some(Box::new(call)), ..event(1) }));
    assert_eq!(log.stop(LONG).lost, 0);
    let line: serde_json::Value = serde_json::from_str(fs::read_to_string(&path).unwrap().trim()).unwrap();
    assert_eq!((&line["code"], &line["operation"]), (&"sapi".into(), &"update_client".into()));
    assert_eq!((&line["resource"], &line["fields"]), (&"shop".into(), &"name jwks".into()));
    assert_eq!(line.get("token_id"), None);
}

#[test]
fn a_changed_byte_breaks_the_chain_at_the_next_line() {
    assert_eq!(verified_after(|lines| lines[1] = lines[1].replace("acme", "acmf")), "line 3");
}

#[test]
fn a_line_that_is_no_json_any_more_breaks_the_chain() {
    assert_eq!(verified_after(|lines| lines[1] = lines[1].replace('{', "(")), "line 2");
    assert_eq!(verified_after(|lines| lines[4].clear()), "line 5");
}

#[test]
fn a_removed_line_breaks_the_chain() {
    assert_eq!(verified_after(|lines| drop(lines.remove(2))), "line 3");
}

#[test]
fn swapped_lines_break_the_chain() {
    assert_eq!(verified_after(|lines| lines.swap(1, 2)), "line 2");
}

#[test]
fn an_inserted_line_breaks_the_chain() {
    assert_eq!(verified_after(|lines| lines.insert(3, lines[1].clone())), "line 4");
    assert_eq!(verified_after(|lines| lines.insert(3, "forged".to_owned())), "line 4");
}

#[test]
fn a_wrong_sequence_number_breaks_the_chain() {
    assert_eq!(verified_after(|lines| lines[2] = lines[2].replace("\"seq\":3", "\"seq\":4")), "line 3");
    assert_eq!(verified_after(|lines| lines[0] = lines[0].replace("\"seq\":1", "\"seq\":9")), "line 1");
}

#[test]
fn only_a_known_head_shows_that_the_end_was_cut_off_or_changed() {
    let (_folder, path) = five_lines();
    let head = verify(&[&path], &[]).unwrap()[0].head;
    verify(&[&path], &[head]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let first_four = text.lines().take(4).map(|line| format!("{line}\n")).collect::<String>();
    fs::write(&path, &first_four).unwrap();
    verify(&[&path], &[]).unwrap();
    assert!(matches!(verify(&[&path], &[head]), Err(VerifyError::HeadMissing { known }) if known == head));
}

#[test]
fn the_chain_goes_on_after_a_restart() {
    let (_folder, path) = five_lines();
    let log = open(&path);
    log.record_lifecycle(&Lifecycle::Start { version: "1.2.3" });
    let stopped = log.stop(LONG);
    assert_eq!(stopped.head.seq, 6);
    assert_eq!(verify(&[&path], &[]).unwrap()[0].head, stopped.head);
    assert_eq!(contents(&fs::read_to_string(&path).unwrap())[5], "start null");
}

#[test]
fn an_incomplete_line_is_ended_and_reported() {
    let (_folder, path) = five_lines();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() - 20]).unwrap();
    assert_eq!(open(&path).stop(LONG).head.seq, 5);
    let check = verify(&[&path], &[]).unwrap().remove(0);
    assert_eq!((check.torn_lines, check.head.seq), (1, 5));

    // The report fits only to that fragment.
    let changed = fs::read_to_string(&path).unwrap().replace("0000000005", "0000000006");
    fs::write(&path, changed).unwrap();
    assert!(matches!(verify(&[&path], &[]), Err(VerifyError::Broken(broken)) if broken.line == 5));
}

#[test]
fn a_line_whose_line_break_is_missing_is_a_line() {
    let (_folder, path) = five_lines();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.trim_end()).unwrap();
    let log = open(&path);
    record_all(&log, 6..7);
    log.stop(LONG);
    let check = verify(&[&path], &[]).unwrap().remove(0);
    assert_eq!((check.torn_lines, check.head.seq), (0, 6));
}

#[test]
fn what_is_no_audit_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("notes"), "something else\n").unwrap();
    assert!(open_error(&path("notes")).contains("its last line is not an audit line; move the file away"));
    symlink(path("elsewhere"), path("link")).unwrap();
    assert!(open_error(&path("link")).contains("no symbolic link"));
    assert!(!path("elsewhere").exists());
    mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(open_error(&path("fifo")).contains("this is not a file"));
    assert!(open_error(folder.path()).contains("cannot open the audit file"));
}

#[test]
fn a_file_that_another_log_writes_is_refused() {
    let (_folder, path) = five_lines();
    let log = open(&path);
    assert!(open_error(&path).contains("another process writes this audit file"));
    log.stop(LONG);
    drop(log);
}

#[test]
fn a_moved_file_and_the_new_one_are_one_chain() {
    let (folder, path) = five_lines();
    let moved = folder.path().join("audit.jsonl.1");
    let log = open(&path);
    record_all(&log, 6..8);
    wait_until(|| log.head().seq == 7);
    fs::rename(&path, &moved).unwrap();
    log.reopen();
    wait_until(|| path.exists());
    record_all(&log, 8..10);
    log.stop(LONG);
    assert_eq!(contents(&fs::read_to_string(&path).unwrap()), ["8", "9"]);
    let checks = verify(&[&moved, &path], &[]).unwrap();
    assert_eq!((checks[0].head.seq, checks[1].head.seq), (7, 9));
    // Each alone is unbroken too, and the wrong order is not.
    verify(&[&path], &[]).unwrap();
    assert!(verify(&[&path, &moved], &[]).is_err());
}

#[test]
fn a_file_of_another_chain_is_not_taken_when_reopened() {
    let (folder, path) = five_lines();
    let (_other_folder, other) = five_lines();
    let moved = folder.path().join("audit.jsonl.1");
    let notices = Notices::default();
    let mut options = AuditOptions::new(Destination::File(path.clone()));
    options.notify = notices.collect();
    let log = AuditLog::open(options).unwrap();
    record_all(&log, 6..7);
    wait_until(|| log.head().seq == 6);
    fs::rename(&path, &moved).unwrap();
    fs::copy(&other, &path).unwrap();
    log.reopen();
    wait_until(|| !notices.all().is_empty());
    assert!(matches!(&notices.all()[..], [Notice::NotReopened { error }] if error.contains("another chain")));
    record_all(&log, 7..8);
    log.stop(LONG);
    assert_eq!(verify(&[&moved], &[]).unwrap()[0].head.seq, 7);
}

#[test]
fn a_full_disk_costs_an_open_log_nothing_but_its_events() {
    let notices = Notices::default();
    let mut options = AuditOptions::new(Destination::File("/dev/full".into()));
    options.notify = notices.collect();
    let log = AuditLog::open(options).unwrap();
    for reference in 0..1000 {
        assert_eq!(record(&log, reference), Ok(()));
    }
    wait_until(|| !notices.all().is_empty());
    let stopping = Instant::now();
    assert_eq!(log.stop(LONG).lost, 1000);
    assert!(stopping.elapsed() < LONG / 2);
    assert!(matches!(&notices.all()[..], [Notice::Unavailable { .. }]), "{:?}", notices.all());
}

#[test]
fn a_log_counts_what_it_drops_and_knows_whether_it_can_write() {
    let mut options = AuditOptions::new(Destination::File("/dev/full".into()));
    options.buffer_bytes = 1000;
    let log = AuditLog::open(options).unwrap();
    assert!(log.is_writable());
    assert_eq!(log.dropped(), 0);
    record_all(&log, 0..100);
    wait_until(|| !log.is_writable());
    // A line is longer than a tenth of the buffer, which was taken once at most.
    assert!((80..100).contains(&log.dropped()), "{}", log.dropped());
    log.stop(LONG);
    let before = log.dropped();
    record_all(&log, 100..103);
    assert_eq!(log.dropped(), before + 3);
}

#[test]
fn a_log_that_is_written_again_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let log = AuditLog::open(AuditOptions::new(Destination::Socket(path))).unwrap();
    let reader = listener.accept().unwrap().0;
    record_all(&log, 0..1);
    assert!(log.is_writable());
    drop((reader, listener));
    fs::remove_file(folder.path().join("audit.sock")).unwrap();
    let mut sent = 1;
    wait_until(|| {
        record_all(&log, sent..sent + 1);
        sent += 1;
        !log.is_writable()
    });
    let listener = UnixListener::bind(folder.path().join("audit.sock")).unwrap();
    let _reader = listener.accept().unwrap();
    wait_until(|| log.is_writable());
    assert_eq!(log.dropped(), 0);
}

#[test]
fn a_full_disk_lets_a_closed_log_refuse() {
    let log = AuditLog::open(closed(Destination::File("/dev/full".into()))).unwrap();
    let refused = record(&log, 1).unwrap_err();
    assert!(refused.0.contains("No space left"), "{refused}");
    log.stop(LONG);
    assert!(record(&log, 2).is_err(), "a stopped log keeps nothing");
}

#[test]
fn a_closed_log_answers_when_the_event_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let log = AuditLog::open(closed(Destination::File(path.clone()))).unwrap();
    for reference in 1..4 {
        assert_eq!(record(&log, reference), Ok(()));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), reference as usize);
    }
}

#[test]
fn a_reader_that_stops_reading_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut options = AuditOptions::new(Destination::Socket(path));
    options.buffer_bytes = 100_000;
    let log = AuditLog::open(options).unwrap();
    let reader = BufReader::new(listener.accept().unwrap().0);
    let (mut sent, started) = (0, Instant::now());
    // The kernel takes some hundred kilobytes first.
    while sent < 20_000 {
        record_all(&log, sent..sent + 100);
        sent += 100;
        std::thread::sleep(Duration::from_micros(100));
    }
    assert!(started.elapsed() < LONG);

    let mut read = 0;
    let mut lost = 0;
    for line in reader.lines() {
        let said = contents(&line.unwrap()).remove(0);
        match said.strip_prefix("recovered ") {
            Some(count) => lost += count.parse::<u32>().unwrap(),
            None if lost == 0 => {
                assert_eq!(said, read.to_string(), "order");
                read += 1;
            }
            None => read += 1,
        }
        if read + lost == sent {
            break;
        }
    }
    assert!(lost > 0, "everything was taken");
}

#[test]
fn a_closed_log_refuses_at_the_deadline_and_names_the_withheld_requests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut options = closed(Destination::Socket(path));
    options.deadline = Duration::from_millis(100);
    let log = AuditLog::open(options).unwrap();
    let reader = BufReader::new(listener.accept().unwrap().0);
    // Nobody waits for these; they fill the socket.
    record_all(&log, 0..5000);
    let asked = Instant::now();
    assert!(record(&log, 5000).is_err());
    assert!(asked.elapsed() < LONG / 2);
    let lines: Vec<String> = reader.lines().map(Result::unwrap).take(5002).collect();
    let withheld = format!(r#""lost":0,"withheld":1,"withheld_references":["{:016x}"]"#, 5000);
    assert_eq!(lines.iter().filter(|line| line.contains(&withheld)).count(), 1);
    assert_eq!(lines.iter().filter(|line| line.contains("\"recovered\"")).count(), 1);
}

#[test]
fn a_reader_that_went_away_is_connected_to_again_and_gets_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let log = AuditLog::open(AuditOptions::new(Destination::Socket(path))).unwrap();
    let mut first = BufReader::new(listener.accept().unwrap().0);
    record_all(&log, 1..2);
    let mut line = String::new();
    first.read_line(&mut line).unwrap();
    assert_eq!(contents(&line), ["1"]);
    drop(first);
    record_all(&log, 2..3);
    let mut second = BufReader::new(listener.accept().unwrap().0);
    line.clear();
    second.read_line(&mut line).unwrap();
    assert_eq!(contents(&line), ["2"]);
}

#[test]
fn a_socket_that_nobody_reads_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let opened = AuditLog::open(AuditOptions::new(Destination::Socket(folder.path().join("audit.sock"))));
    let Err(error) = opened else { panic!("it was opened") };
    assert!(error.to_string().contains("cannot connect to the audit socket"), "{error}");
}

/// The notices of a log.
#[derive(Default)]
struct Notices(Arc<std::sync::Mutex<Vec<Notice>>>);

impl Notices {
    fn collect(&self) -> Box<dyn Fn(Notice) + Send + Sync> {
        let all = Arc::clone(&self.0);
        Box::new(move |notice| all.lock().unwrap().push(notice))
    }

    fn all(&self) -> Vec<Notice> {
        self.0.lock().unwrap().clone()
    }
}

/// Waits for the writing thread.
fn wait_until(mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < LONG, "it does not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}
