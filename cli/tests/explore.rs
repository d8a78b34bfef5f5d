//! The page on which a scenario is changed by hand: who is answered, and with what.
