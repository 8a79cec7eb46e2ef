//! What actions do, out of the list that the program knows.

use serde::Deserialize;

/// What an action does; the rest of it is in its row.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    CreateMigration,
    EditMigration,
    ListMigrations,
    ShowCheck,
    /// Enters `moves_to` or `billing_moves_to`, and nothing else.
    Move,
    Remove,
    CreateSubscription,
    Activate,
    Reset,
    ReplaceObjects,
    SetConsumeTime,
    SetAddress,
    SetName,
    SetRenewal,
    ShowSubscription,
    ListSubscriptions,
    ShowAsync,
    /// Makes as many new tasks as `Count` says.
    Buy,
    /// Keeps the parameters, and enters what the row says.
    Set,
    /// Enters `billing_moves_to`, or deletes a task that is not paid.
    Isolate,
    /// Forgets what another action told.
    Undo,
    SkipCheck,
    ShowMigration,
    ShowMigrationCheck,
    ListMigrationJobs,
    ListInstances,
    ShowSyncCheck,
    ShowModifyCheck,
    ListSyncs,
    CreateCompare,
    ListCompares,
    ShowCompareReport,
    ListDiffItems,
    ShowGtidReport,
    ShowSubscribe,
    ShowSubscribeCheck,
    ListSubscribeJobs,
    ShowReturnable,
    ShowOffsets,
    ChangeObjects,
    CreateGroup,
    EditGroup,
    DeleteGroup,
    ListGroups,
    ResetOffset,
    // Of the other family; a job is a task.
    /// Makes a new one.
    BuyJob,
    /// Tells one what to do, or makes one that is told.
    ConfigureJob,
    /// The same, and it starts when its check has passed.
    ConfigureAndStart,
    StartJob,
    /// Keeps the parameters and enters what the rule says.
    ChangeJob,
    ResetJob,
    RemoveJob,
    ReverseJob,
    PayOtherwise,
    ShowJob,
    ListJobs,
    ListLegacy,
    ListStatus,
    AddChannel,
    EditChannel,
    DropChannel,
    ListChannels,
    Tag,
    Untag,
    ListTags,
    /// Answers the documented members out of the parameters, and changes nothing.
    Echo,
}
