//! The rows of transfers.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Row, Spec, Take, TenantNo};
use base::{Amount, KeyId, Time};

use super::state::State;
use crate::corridor::AGENT_ASSET;
use crate::sandbox::magic::Script;

/// Where a transfer is now. Narrow: what was asked is in the journal, at the same (tenant, seq).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub tenant: TenantNo,
    pub seq: u64,
    pub state: State,
    /// When the worker should look at it, in the tenant's time; the far future when it waits for a person.
    pub due_at: Time,
    /// In the plane's time.
    pub accepted_at: Time,
    /// In the tenant's time.
    pub changed_at: Time,
    /// Troubles so far: short of funds, doubted, or to be tried again.
    pub attempts: u32,
    pub amount: Amount,
    pub script: Script,
    /// The key whose daily amount it counts against, if that key has one.
    pub spender: Option<KeyId>,
    pub trans: Option<String>,
    /// The quoted amount until the rail says otherwise.
    pub sum_prov: Option<String>,
    pub note: Option<String>,
}

impl Row for TransferRow {
    type Key = (TenantNo, u64);
    const SLOT: usize = 7;
    const SPEC: Spec = Spec {
        name: "transfer",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("seq", Kind::Int),
            Column::new("state", Kind::Int),
            Column::new("substate", Kind::Int),
            Column::new("open", Kind::Int),
            Column::new("due_at", Kind::Int),
            Column::new("accepted_at", Kind::Int),
            Column::new("changed_at", Kind::Int),
            Column::new("attempts", Kind::Int),
            Column::new("amount", Kind::Big),
            Column::new("script", Kind::Int),
            Column::new("spender", Kind::Text),
            Column::new("trans", Kind::Text),
            Column::new("sum_prov", Kind::Text),
            Column::new("note", Kind::Text),
        ],
        key: KeyShape::TenantSeq,
        keep: 20_000,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.seq)
    }

    fn stays_in_memory(&self) -> bool {
        !self.state.is_final()
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(key.1.cast_signed());
    }

    fn write(&self, out: &mut dyn Bind) {
        let (state, substate) = self.state.numbers();
        TransferRow::write_key(&self.key(), out);
        out.int(state);
        out.int(substate);
        out.int(i64::from(!self.state.is_final()));
        out.int(self.due_at.0);
        out.int(self.accepted_at.0);
        out.int(self.changed_at.0);
        out.int(i64::from(self.attempts));
        out.big(self.amount.minor);
        out.int(self.script as i64);
        out.opt_text(self.spender.as_ref().map(KeyId::as_str));
        out.opt_text(self.trans.as_deref());
        out.opt_text(self.sum_prov.as_deref());
        out.opt_text(self.note.as_deref());
    }

    fn read(from: &mut dyn Take) -> Result<TransferRow, Corrupt> {
        let (tenant, seq) = (crate::schema::tenant(from)?, from.int()?.cast_unsigned());
        let state = State::from_numbers(from.int()?, from.int()?).ok_or_else(|| from.corrupt("state"))?;
        let _open = from.int()?;
        let (due_at, accepted_at, changed_at) = (Time(from.int()?), Time(from.int()?), Time(from.int()?));
        let attempts = u32::try_from(from.int()?).map_err(|_| from.corrupt("attempts"))?;
        let amount = Amount::new(from.big()?, AGENT_ASSET);
        let script = Script::from_number(from.int()?).ok_or_else(|| from.corrupt("script"))?;
        let spender = from.opt_text()?.map(str::parse).transpose().map_err(|_| from.corrupt("spender"))?;
        let mut text = || Ok::<_, Corrupt>(from.opt_text()?.map(str::to_owned));
        let (trans, sum_prov, note) = (text()?, text()?, text()?);
        Ok(TransferRow {
            tenant,
            seq,
            state,
            due_at,
            accepted_at,
            changed_at,
            attempts,
            amount,
            script,
            spender,
            trans,
            sum_prov,
            note,
        })
    }
}
