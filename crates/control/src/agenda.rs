//! What is due when, for every loop of the front office, in one order for each duty.

use base::{Environment, Fault, Span, Time};
use store::{Missing, Reader, Tx};

use crate::json_row::json_row;

/// What a loop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    Mail,
    Environment,
    /// What is wanted of one side's plane: none holds up what is wanted of the other.
    Wish(Environment),
}

impl Duty {
    fn word(self) -> &'static str {
        match self {
            Duty::Mail => "mail",
            Duty::Environment => "environment",
            Duty::Wish(Environment::Sandbox) => "sandbox_wish",
            Duty::Wish(Environment::Live) => "live_wish",
        }
    }
}

json_row! {
    /// Something that one loop is to look at.
    #[derive(Clone, Debug, PartialEq)]
    AgendaRow, slot 10, "agenda", keep 20_000,
    key {
        duty: String,
        at: Time,
        /// What it is about, as its room names it.
        id: String,
    }
    body {}
}

/// Moves something from one time to another, onto the agenda or off it. `from` is what its own row says.
pub(crate) fn moved(
    tx: &mut Tx<'_>,
    duty: Duty,
    id: &str,
    from: Option<Time>,
    to: Option<Time>,
) -> Result<(), Missing> {
    if from == to {
        return Ok(());
    }
    let key = |at: Time| (duty.word().to_owned(), at.0, id.to_owned());
    for at in [from, to].into_iter().flatten() {
        tx.want::<AgendaRow>(&key(at));
    }
    for at in [from, to].into_iter().flatten() {
        tx.get::<AgendaRow>(&key(at))?;
    }
    if let Some(at) = from {
        tx.remove::<AgendaRow>(&key(at));
    }
    if let Some(at) = to {
        tx.put(AgendaRow { duty: duty.word().to_owned(), at, id: id.to_owned() });
    }
    Ok(())
}

/// Until the next try of what has failed so many times: `first`, doubled with each, and never above `most`.
pub(crate) fn back_off(first: Span, failed: u32, most: Span) -> Span {
    let doubled = 1i64.checked_shl(failed.saturating_sub(1)).and_then(|times| first.0.checked_mul(times));
    Span(doubled.filter(|span| (1..most.0).contains(span)).unwrap_or(most.0))
}

/// What is due by `now`, the earliest first, at most `limit`.
pub(crate) fn until(reader: &Reader<'_>, duty: Duty, now: Time, limit: usize) -> Result<Vec<AgendaRow>, Fault> {
    let end = |at: i64| (duty.word().to_owned(), at, String::new());
    reader.walk(&end(i64::MIN), &end(now.0.saturating_add(1)), store::Direction::Ascending, limit)
}

#[cfg(test)]
mod tests {
    use base::{SessionId, Span, Stop, Time};
    use store::{Direction, Halt};

    use super::{Duty, back_off, moved, until};
    use crate::access::Role;
    use crate::json_row::all_of;
    use crate::seats::SeatRow;

    #[test]
    fn waits_double_up_to_their_bound() {
        let waits =
            [1, 2, 5, 6, 62, 63, 64, 65, u32::MAX].map(|failed| back_off(Span::seconds(1), failed, Span::seconds(30)));
        assert_eq!(waits, [1, 2, 16, 30, 30, 30, 30, 30, 30].map(Span::seconds));
    }

    #[tokio::test]
    async fn what_is_moved_is_due_at_its_new_time_alone() {
        let dir = tempfile::tempdir().unwrap();
        let control = crate::tenants::tests::open(dir.path());
        let put = async |duty, id: &'static str, from: Option<i64>, to: Option<i64>| {
            let run = move |tx: &mut store::Tx<'_>| Ok(moved(tx, duty, id, from.map(Time), to.map(Time))?);
            control.run::<(), std::convert::Infallible, _>(run).await.unwrap();
        };
        put(Duty::Mail, "one", None, Some(5)).await;
        put(Duty::Mail, "two", None, Some(3)).await;
        put(Duty::Wish(base::Environment::Live), "three", None, Some(1)).await;
        put(Duty::Mail, "one", Some(5), Some(9)).await;
        let due = |now| {
            let rows = control.store().read(|reader| until(reader, Duty::Mail, Time(now), 10)).unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(
            (due(2), due(8), due(9)),
            (vec![], vec!["two".to_owned()], vec!["two".to_owned(), "one".to_owned()])
        );
        put(Duty::Mail, "two", Some(3), None).await;
        assert_eq!(due(i64::MAX - 1), ["one"]);
    }

    #[tokio::test]
    async fn a_row_of_two_texts_is_found_by_its_first() {
        let dir = tempfile::tempdir().unwrap();
        let control = crate::tenants::tests::open(dir.path());
        let of = |last: char| format!("tnt_000000000000000{last}").parse::<base::TenantId>().unwrap();
        let person = |last: char| format!("usr_000000000000000{last}").parse::<base::UserId>().unwrap();
        let seat = |tenant, user| SeatRow {
            of: of(tenant),
            person: person(user),
            role: Role::Viewer,
            since: Time(1),
            invited_by: Some(person('z')),
        };
        let rows = [seat('1', '0'), seat('2', '0'), seat('2', 'a'), seat('3', '0')];
        let kept = rows.clone();
        let run = move |tx: &mut store::Tx<'_>| {
            for row in &kept {
                tx.get::<SeatRow>(&SeatRow::keyed(&row.of, &row.person))?;
                tx.put(row.clone());
            }
            let (from, to) = all_of(&of('2').to_string());
            Ok::<_, Halt<std::convert::Infallible>>(tx.walk::<SeatRow>(&from, &to, 10)?)
        };
        let walked = control.run(run).await.map_err(|stop| matches!(stop, Stop::Faulted(_))).unwrap();
        assert!(walked == rows[1..3]);
        let (from, to) = all_of(&of('2').to_string());
        let read = control.store().read(|reader| reader.walk::<SeatRow>(&from, &to, Direction::Ascending, 10)).unwrap();
        assert!(read == rows[1..3]);
        let text = crate::json_row::text_of(&"ses_0000000000000000".parse::<SessionId>().unwrap());
        assert_eq!(text, r#""ses_0000000000000000""#);
    }
}
