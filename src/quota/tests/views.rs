//! What is seen of it.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_view_tells_who_waits_and_who_was_refused() {
    let (quota, spec) = (Quota::new(), bucket("a", 1, SECOND));
    take(&quota, &spec).await.settle(Instant::now());
    let names = ["x", "y", "x", "x"];
    let calls = names.map(|who| {
        let (quota, spec) = (quota.clone(), spec.clone());
        tokio::spawn(async move { acquire(&quota, &spec, who, 10 * SECOND).await.map(drop) })
    });
    settled().await;
    acquire(&quota, &spec, "z", ms(500)).await.unwrap_err();
    let view = quota.view().await;
    assert_eq!((view.standing, view.buckets.len()), (Standing::Sole, 1));
    let seen = &view.buckets[0];
    assert_eq!((seen.per, seen.used, seen.waiting, seen.learned), (1, 1, 4, None));
    assert_eq!(seen.callers, [("x".into(), 3), ("y".into(), 1)]);
    let tally = |quota: &Quota| quota.tallies()[&spec.key];
    assert_eq!(tally(&quota), Tally { refused: 1, refused_recently: 1, throttled: 0 });
    for call in calls {
        call.await.unwrap().unwrap();
    }
    tokio::time::advance(61 * SECOND).await;
    quota.note_throttled(std::slice::from_ref(&spec));
    assert_eq!(tally(&quota), Tally { refused: 1, refused_recently: 0, throttled: 1 });
    assert_eq!(Quota::one_of(3).view().await.standing, Standing::Parts { of: 3 });
}
