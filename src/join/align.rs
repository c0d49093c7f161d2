//! The messages of one ICID against the accepted MAILs of one flow: in order, gaps allowed at either
//! end and in between (a log or a capture may hold only part of a connection).
//!
//! Needleman and Wunsch's alignment (J. Mol. Biol. 48, 1970) over the evidence of
//! [`super::evidence`].

use crate::join::clock::Clocks;
use crate::join::evidence::{Rarity, pair_score};
use crate::maillog::Message;
use crate::net::Leg;
use crate::smtp::Transaction;

/// Cells of one table; beyond it the two lists are paired by their order alone.
const MAX_CELLS: usize = 1 << 18;

/// What leaving one out costs.
#[derive(Debug, Clone, Copy)]
pub struct GapCosts {
    /// A message of the log that the wire does not show.
    pub message: f64,
    /// An accepted MAIL on the wire that the log does not show.
    pub transaction: f64,
}

/// Which transaction each message is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alignment {
    /// For each message, its transaction (an index into the session's transactions).
    pub of_message: Vec<Option<usize>>,
    /// The score of the whole, in nats.
    pub score: f64,
    /// Messages and accepted MAILs left over.
    pub left_over: usize,
}

/// Aligns `messages` of one connection of `leg` with `transactions` (each with its index in the session), best in total.
pub fn align(
    messages: &[Message],
    transactions: &[(usize, &Transaction)],
    clocks: &Clocks,
    rarity: &Rarity,
    gaps: GapCosts,
    leg: Leg,
) -> Alignment {
    let (rows, columns) = (messages.len(), transactions.len());
    if rows.saturating_mul(columns) > MAX_CELLS {
        return in_order(messages, transactions, clocks, rarity, gaps, leg);
    }
    let width = columns + 1;
    let mut best = vec![(0.0f64, Step::Pair); (rows + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    let get = |best: &[(f64, Step)], index: usize| best.get(index).map_or(f64::NEG_INFINITY, |cell| cell.0);
    for row in 0..=rows {
        for column in 0..=columns {
            let mut cell =
                if row == 0 && column == 0 { (0.0, Step::Pair) } else { (f64::NEG_INFINITY, Step::Pair) };
            if let (Some(message), Some((_, transaction))) = (
                row.checked_sub(1).and_then(|row| messages.get(row)),
                column.checked_sub(1).and_then(|column| transactions.get(column)),
            ) {
                let score = get(&best, at(row - 1, column - 1))
                    + pair_score(leg, message, transaction, clocks, rarity);
                if score > cell.0 {
                    cell = (score, Step::Pair);
                }
            }
            if row > 0 {
                let score = get(&best, at(row - 1, column)) - gaps.message;
                if score > cell.0 {
                    cell = (score, Step::SkipMessage);
                }
            }
            if column > 0 {
                let score = get(&best, at(row, column - 1)) - gaps.transaction;
                if score > cell.0 {
                    cell = (score, Step::SkipTransaction);
                }
            }
            if let Some(slot) = best.get_mut(at(row, column)) {
                *slot = cell;
            }
        }
    }
    let mut alignment =
        Alignment { of_message: vec![None; rows], score: get(&best, at(rows, columns)), left_over: 0 };
    let (mut row, mut column) = (rows, columns);
    while row > 0 || column > 0 {
        match best.get(at(row, column)).map(|cell| cell.1) {
            Some(Step::Pair) => {
                (row, column) = (row.saturating_sub(1), column.saturating_sub(1));
                let transaction = transactions.get(column).map(|(index, _)| *index);
                if let Some(slot) = alignment.of_message.get_mut(row) {
                    *slot = transaction;
                }
            }
            Some(Step::SkipMessage) => {
                row = row.saturating_sub(1);
                alignment.left_over += 1;
            }
            Some(Step::SkipTransaction) => {
                column = column.saturating_sub(1);
                alignment.left_over += 1;
            }
            None => break,
        }
    }
    alignment
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Pair,
    SkipMessage,
    SkipTransaction,
}

fn in_order(
    messages: &[Message],
    transactions: &[(usize, &Transaction)],
    clocks: &Clocks,
    rarity: &Rarity,
    gaps: GapCosts,
    leg: Leg,
) -> Alignment {
    let mut alignment = Alignment { of_message: vec![None; messages.len()], ..Alignment::default() };
    for ((message, (index, transaction)), slot) in
        messages.iter().zip(transactions).zip(&mut alignment.of_message)
    {
        alignment.score += pair_score(leg, message, transaction, clocks, rarity);
        *slot = Some(*index);
    }
    let (more_messages, more_transactions) = (
        messages.len().saturating_sub(transactions.len()),
        transactions.len().saturating_sub(messages.len()),
    );
    alignment.left_over = more_messages + more_transactions;
    alignment.score -= more_messages as f64 * gaps.message + more_transactions as f64 * gaps.transaction;
    alignment
}
