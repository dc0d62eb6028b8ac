//! The turn rule: where in the conversation a logged item stands.

/// A position in the conversation: the turn, and the place within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TurnPosition {
    /// Number of the turn, from 0.
    pub turn: i32,
    /// Place within the turn, from 0.
    pub intra: i32,
}

/// Hands out positions as items are logged.
///
/// An item takes (turn, next) and moves `next` on. Before a user, system, developer or assistant message is placed,
/// the turn moves on if it already holds an assistant message. Tool executions and tool-role messages stay in the
/// turn. Grader messages, grades and events repeat the last position handed out and move nothing.
///
/// ```
/// use caribou_model::{TurnCounter, TurnPosition};
///
/// let mut turns = TurnCounter::default();
/// assert_eq!(turns.place_message("user"), TurnPosition { turn: 0, intra: 0 });
/// assert_eq!(turns.place_message("assistant"), TurnPosition { turn: 0, intra: 1 });
/// assert_eq!(turns.place_tool(), TurnPosition { turn: 0, intra: 2 });
/// assert_eq!(turns.place_message("assistant"), TurnPosition { turn: 1, intra: 0 });
/// assert_eq!(turns.repeat(), TurnPosition { turn: 1, intra: 0 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnCounter {
    turn: i32,
    next: i32,
    turn_holds_assistant: bool,
    last: TurnPosition,
}

impl TurnCounter {
    /// Places a message that is not a grader's.
    pub fn place_message(&mut self, role: &str) -> TurnPosition {
        let speaks = matches!(role, "user" | "system" | "developer" | "assistant");
        if speaks && self.turn_holds_assistant {
            self.increment_turn();
        }
        if role == "assistant" {
            self.turn_holds_assistant = true;
        }
        self.take()
    }

    /// Places a tool execution.
    pub fn place_tool(&mut self) -> TurnPosition {
        self.take()
    }

    /// The position of what moves nothing: grader messages, grades, events.
    pub fn repeat(&self) -> TurnPosition {
        self.last
    }

    /// Moves to the next turn and its first place.
    pub fn increment_turn(&mut self) {
        self.set_turn(self.turn.saturating_add(1));
        self.next = 0;
    }

    /// Leaves one place of the turn out.
    pub fn increment_intra(&mut self) {
        self.next = self.next.saturating_add(1);
    }

    /// Goes to a turn, leaving the next place as it is.
    pub fn set_turn(&mut self, turn: i32) {
        self.turn_holds_assistant &= turn == self.turn;
        self.turn = turn;
    }

    /// Sets the next place within the turn.
    pub fn set_intra(&mut self, intra: i32) {
        self.next = intra;
    }

    fn take(&mut self) -> TurnPosition {
        self.last = TurnPosition {
            turn: self.turn,
            intra: self.next,
        };
        self.next = self.next.saturating_add(1);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(turn: i32, intra: i32) -> TurnPosition {
        TurnPosition { turn, intra }
    }

    #[test]
    fn a_tool_loop_advances_a_turn_per_assistant_message() {
        let mut turns = TurnCounter::default();
        assert_eq!(turns.place_message("system"), at(0, 0));
        assert_eq!(turns.place_message("user"), at(0, 1));
        assert_eq!(turns.place_message("assistant"), at(0, 2));
        assert_eq!(turns.place_tool(), at(0, 3));
        assert_eq!(turns.place_message("tool"), at(0, 4));
        assert_eq!(turns.place_message("assistant"), at(1, 0));
        assert_eq!(turns.place_message("user"), at(2, 0));
        assert_eq!(turns.place_message("assistant"), at(2, 1));
    }

    #[test]
    fn what_moves_nothing_repeats_the_last_position() {
        let mut turns = TurnCounter::default();
        assert_eq!(turns.repeat(), at(0, 0));
        turns.place_message("user");
        turns.place_message("assistant");
        assert_eq!(turns.repeat(), at(0, 1));
        turns.increment_turn();
        assert_eq!(turns.repeat(), at(0, 1));
    }

    #[test]
    fn positions_can_be_set_by_hand() {
        let mut turns = TurnCounter::default();
        turns.increment_intra();
        assert_eq!(turns.place_message("user"), at(0, 1));
        turns.increment_turn();
        assert_eq!(turns.place_message("assistant"), at(1, 0));
        turns.set_turn(7);
        assert_eq!(turns.place_tool(), at(7, 1));
        turns.set_intra(5);
        assert_eq!(turns.place_tool(), at(7, 5));
    }
}
