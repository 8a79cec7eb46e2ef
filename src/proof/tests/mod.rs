mod canonical;
mod notes;
mod trees;
