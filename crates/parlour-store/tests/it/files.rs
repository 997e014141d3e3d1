//! Files: staged, taken by messages, released with them, forgotten.

use crate::bench::{Bench, reworded};
use parlour_core::{
    FileId, MessageId, RoomId, Time, UserId, What,
    event::EndReason,
    model::{File, FileKind, KeptFile, Message, Thumb},
    ports::{
        Append, BlobKey, DeleteUser, EditMessage, GalleryPage, MessageChange, NewFile, NewMessage,
        StageFile, Stored,
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

on_each_engine! {
    a_staged_file_is_found_by_its_uploader,
    a_message_takes_its_files,
    a_file_hangs_on_one_message_at_most,
    parallel_messages_take_a_file_once,
    a_retry_with_the_same_files_answers_the_first,
    an_edit_replaces_what_hangs_there,
    deleting_a_message_releases_its_files,
    the_end_of_a_room_releases_its_files,
    deleting_an_account_releases_its_files,
    the_quota_holds_in_parallel,
    what_nobody_took_is_dropped,
    all_files_are_listed_a_page_at_a_time,
    the_gallery_shows_the_newest_first,
    files_survive_in_history_and_pages,
}

fn new_file(owner: UserId, mime: &str, size: u64, at: Time) -> NewFile {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let mut random = [7; 16];
    random[0] = NEXT.fetch_add(1, Ordering::Relaxed);
    let key = BlobKey::new(mime, random, ".bin");
    let kind = match mime.split('/').next() {
        Some("image") => FileKind::Image,
        _ => FileKind::Other,
    };
    NewFile {
        file: File {
            id: FileId::new(0),
            name: "name \u{ac00} \"x\".bin".to_owned(),
            mime: mime.to_owned(),
            kind,
            size,
            pixels: Some((640, 480)),
            duration: None,
            placeholder: Some("abc".to_owned()),
            alt: "a cat".to_owned(),
            thumbs: vec![Thumb {
                key: key.thumb(360, "webp"),
                width: 360,
                height: 270,
            }],
            key,
        },
        owner,
        sha256: "kept".to_owned(),
        received: "came".to_owned(),
        quota: None,
        at,
    }
}

async fn stage(t: &Bench, owner: UserId) -> KeptFile {
    stage_as(t, new_file(owner, "image/png", 10, t.now())).await
}

/// Stages a file of so many bytes.
pub(crate) async fn stage_of_size(t: &Bench, owner: UserId, size: u64) -> KeptFile {
    stage_as(t, new_file(owner, "image/png", size, t.now())).await
}

async fn stage_as(t: &Bench, new: NewFile) -> KeptFile {
    match t.store.stage_file(new).await.unwrap() {
        StageFile::Staged(kept) => kept,
        other => panic!("{other:?}"),
    }
}

fn with_files(t: &Bench, room: RoomId, author: UserId, files: &[KeptFile]) -> NewMessage {
    NewMessage {
        files: files.to_vec(),
        ..t.new_message(room, author, "")
    }
}

async fn send(t: &Bench, room: RoomId, author: UserId, files: &[KeptFile]) -> Arc<Message> {
    match t.append(with_files(t, room, author, files)).await {
        Append::Stored(message) => message,
        other => panic!("{other:?}"),
    }
}

async fn see(t: &Bench, kept: &KeptFile) -> Option<KeptFile> {
    t.store.file(kept.file.key.stem()).await.unwrap()
}

async fn released(t: &Bench) -> Vec<FileId> {
    let files = t.store.released_files(100).await.unwrap();
    let mut ids: Vec<_> = files.iter().map(|kept| kept.file.id).collect();
    ids.sort_unstable();
    ids
}

async fn a_staged_file_is_found_by_its_uploader(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let (one, two) = (stage(t, ann).await, stage(t, ann).await);
    assert_eq!(see(t, &one).await.as_ref(), Some(&one));
    assert_eq!(one.place, None);
    let ids = [two.file.id, one.file.id, FileId::new(999)];
    let mine = t.store.files_of(ann, &ids).await.unwrap();
    assert_eq!(mine, [two.clone(), one.clone()]);
    assert!(t.store.files_of(bob, &ids).await.unwrap().is_empty());
    assert!(t.store.file("nothing").await.unwrap().is_none());
    let stems = [one.file.key.stem().to_owned(), "unknown".to_owned()];
    let known = t.store.known_stems(&stems).await.unwrap();
    assert_eq!(known, [one.file.key.stem()]);
    let gone = new_file(UserId::new(999), "image/png", 1, t.now());
    assert_eq!(t.store.stage_file(gone).await.unwrap(), StageFile::NoOwner);
}

async fn a_message_takes_its_files(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("Den", ann).await;
    let (one, two) = (stage(t, ann).await, stage(t, ann).await);
    let message = send(t, room, ann, &[two.clone(), one.clone()]).await;
    assert_eq!(
        message.files,
        [Arc::clone(&two.file), Arc::clone(&one.file)]
    );
    for kept in [&one, &two] {
        let now = see(t, kept).await.unwrap();
        assert_eq!(now.place, Some((room, message.id)));
        assert_eq!(now.file, kept.file);
    }
    let heard = t.ear.of(room);
    let What::MessageCreated(told) = &heard.last().unwrap().what else {
        panic!("{heard:?}");
    };
    assert_eq!(told.files, message.files);
    let again = t.store.message(message.id).await.unwrap().unwrap();
    assert_eq!(again, message);
}

async fn a_file_hangs_on_one_message_at_most(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("Den", ann).await;
    t.joined(room, bob).await;
    let file = stage(t, ann).await;
    let twice = [file.clone(), file.clone()];
    let others = with_files(t, room, bob, std::slice::from_ref(&file));
    for refused in [with_files(t, room, ann, &twice), others] {
        assert_eq!(t.append(refused).await, Append::NoFile);
    }
    send(t, room, ann, std::slice::from_ref(&file)).await;
    let again = with_files(t, room, ann, std::slice::from_ref(&file));
    assert_eq!(t.append(again).await, Append::NoFile);
    assert_eq!(t.see(room).await.messages, 1);
}

async fn parallel_messages_take_a_file_once(t: &Bench) {
    let ann = t.user("ann").await;
    let (one, two) = (t.room("One", ann).await, t.room("Two", ann).await);
    for _ in 0..8 {
        let file = [stage(t, ann).await];
        let messages = [one, two].map(|room| with_files(t, room, ann, &file));
        let waiting = messages.map(|message| t.store.append(message).unwrap());
        let mut stored = 0;
        for pending in waiting {
            match pending.wait().await.unwrap() {
                Append::Stored(_) => stored += 1,
                other => assert_eq!(other, Append::NoFile),
            }
        }
        assert_eq!(stored, 1);
    }
}

async fn a_retry_with_the_same_files_answers_the_first(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("Den", ann).await;
    let with_nonce = |files: &[KeptFile]| NewMessage {
        nonce: Some("n".to_owned()),
        ..with_files(t, room, ann, files)
    };
    let (first, second) = (stage(t, ann).await, stage(t, ann).await);
    let Append::Stored(message) = t.append(with_nonce(std::slice::from_ref(&first))).await else {
        panic!("not stored");
    };
    // The same bytes came again as another file; then the very same one is named.
    for again in [&second, &first] {
        let answer = t.append(with_nonce(std::slice::from_ref(again))).await;
        assert_eq!(answer, Append::Repeated(Arc::clone(&message)));
    }
    assert_eq!(see(t, &second).await.unwrap().place, None);
    let other = stage_as(
        t,
        NewFile {
            received: "other bytes".to_owned(),
            ..new_file(ann, "image/png", 10, t.now())
        },
    )
    .await;
    assert_eq!(t.append(with_nonce(&[other])).await, Append::NonceReused);
    assert_eq!(t.append(with_nonce(&[])).await, Append::NonceReused);
}

fn replaced(text: &str, files: &[KeptFile], at: Time) -> MessageChange {
    MessageChange {
        files: Some(files.to_vec()),
        ..reworded(text, Vec::new(), at)
    }
}

async fn an_edit_replaces_what_hangs_there(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("Den", ann).await;
    let (old, new, foreign) = (
        stage(t, ann).await,
        stage(t, ann).await,
        stage(t, bob).await,
    );
    let message = send(t, room, ann, std::slice::from_ref(&old)).await;
    for wrong in [&old, &foreign] {
        let change = replaced("", std::slice::from_ref(wrong), t.now());
        let answer = t.store.edit_message(message.id, change).await.unwrap();
        assert_eq!(answer, EditMessage::NoFile);
    }
    let change = reworded("a caption", Vec::new(), t.now());
    let EditMessage::Done(now) = t.store.edit_message(message.id, change).await.unwrap() else {
        panic!("not changed");
    };
    assert_eq!(now.files, message.files, "a text leaves the files");
    let change = replaced("a caption", std::slice::from_ref(&new), t.now());
    let EditMessage::Done(now) = t.store.edit_message(message.id, change).await.unwrap() else {
        panic!("not changed");
    };
    assert_eq!(now.files, [Arc::clone(&new.file)]);
    assert_eq!(t.store.message(message.id).await.unwrap().unwrap(), now);
    assert!(see(t, &old).await.is_none());
    assert_eq!(see(t, &new).await.unwrap().place, Some((room, message.id)));
    assert_eq!(released(t).await, [old.file.id]);
    let heard = t.ear.of(room);
    assert!(matches!(&heard.last().unwrap().what, What::MessageUpdated(told) if *told == now));
}

async fn deleting_a_message_releases_its_files(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("Den", ann).await;
    let (gone, kept) = (stage(t, ann).await, stage(t, ann).await);
    let message = send(t, room, ann, std::slice::from_ref(&gone)).await;
    send(t, room, ann, std::slice::from_ref(&kept)).await;
    assert!(t.delete(message.id).await);
    assert!(see(t, &gone).await.is_none());
    assert!(see(t, &kept).await.is_some());
    assert_eq!(released(t).await, [gone.file.id]);
    // The row stays known until its bytes are gone, then goes; no other row does.
    let stem = [gone.file.key.stem().to_owned()];
    assert_eq!(t.store.known_stems(&stem).await.unwrap(), stem);
    let both = [gone.file.id, kept.file.id];
    t.store.forget_files(&both).await.unwrap();
    assert!(t.store.known_stems(&stem).await.unwrap().is_empty());
    assert!(released(t).await.is_empty());
    assert!(see(t, &kept).await.is_some());
}

async fn the_end_of_a_room_releases_its_files(t: &Bench) {
    let ann = t.user("ann").await;
    let (room, other) = (t.room("Den", ann).await, t.room("Other", ann).await);
    let files = [stage(t, ann).await, stage(t, ann).await];
    send(t, room, ann, &files).await;
    let kept = stage(t, ann).await;
    send(t, other, ann, std::slice::from_ref(&kept)).await;
    t.store
        .end_room(room, EndReason::Deleted, t.now())
        .await
        .unwrap();
    while t.store.purge(Time::from_micros(0)).await.unwrap() {}
    assert_eq!(released(t).await, [files[0].file.id, files[1].file.id]);
    assert!(see(t, &files[0]).await.is_none());
    assert!(see(t, &kept).await.is_some());
}

async fn deleting_an_account_releases_its_files(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("Den", ann).await;
    t.joined(room, bob).await;
    let (sent, staged, other) = (
        stage(t, bob).await,
        stage(t, bob).await,
        stage(t, ann).await,
    );
    send(t, room, bob, std::slice::from_ref(&sent)).await;
    let answer = t.store.delete_user(bob, t.now()).await.unwrap();
    assert!(matches!(answer, DeleteUser::Deleted { .. }), "{answer:?}");
    assert_eq!(released(t).await, [sent.file.id, staged.file.id]);
    assert!(see(t, &other).await.is_some());
}

async fn the_quota_holds_in_parallel(t: &Bench) {
    let ann = t.user("ann").await;
    let new = |size| NewFile {
        quota: Some(100),
        ..new_file(ann, "image/png", size, t.now())
    };
    assert_eq!(
        t.store.stage_file(new(101)).await.unwrap(),
        StageFile::OverQuota
    );
    let tasks = (0..8).map(|_| {
        let (store, file) = (Arc::clone(&t.store), new(30));
        tokio::spawn(async move { store.stage_file(file).await.unwrap() })
    });
    let mut staged = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            StageFile::Staged(kept) => staged.push(kept.file.id),
            other => assert_eq!(other, StageFile::OverQuota),
        }
    }
    assert_eq!(staged.len(), 3);
    let stored = Stored {
        files: 3,
        bytes: 90,
    };
    assert_eq!(t.store.stored_files(Some(ann)).await.unwrap(), stored);
    assert_eq!(t.store.stored_files(None).await.unwrap(), stored);
    // What is released makes room.
    assert_eq!(
        t.store
            .drop_files(ann, &staged[..1], t.now())
            .await
            .unwrap(),
        1
    );
    let again = t.store.stage_file(new(40)).await.unwrap();
    assert!(matches!(again, StageFile::Staged(_)), "{again:?}");
}

async fn what_nobody_took_is_dropped(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("Den", ann).await;
    let (old, taken) = (stage(t, ann).await, stage(t, ann).await);
    send(t, room, ann, std::slice::from_ref(&taken)).await;
    let before = t.now();
    let young = stage(t, ann).await;
    assert_eq!(
        t.store
            .drop_files(bob, &[old.file.id], t.now())
            .await
            .unwrap(),
        0
    );
    assert_eq!(t.store.drop_stale_files(before, t.now()).await.unwrap(), 1);
    assert_eq!(released(t).await, [old.file.id]);
    assert!(see(t, &young).await.is_some());
    let all = [old.file.id, taken.file.id, young.file.id];
    assert_eq!(t.store.drop_files(ann, &all, t.now()).await.unwrap(), 1);
    assert_eq!(released(t).await, [old.file.id, young.file.id]);
    // What was dropped cannot be sent any more.
    let late = with_files(t, room, ann, &[young]);
    assert_eq!(t.append(late).await, Append::NoFile);
}

async fn the_gallery_shows_the_newest_first(t: &Bench) {
    let ann = t.user("ann").await;
    let (room, other) = (t.room("Den", ann).await, t.room("Other", ann).await);
    let mut ids = Vec::new();
    for mime in ["image/png", "application/pdf", "image/png", "image/png"] {
        let kept = stage_as(t, new_file(ann, mime, 5, t.now())).await;
        ids.push(kept.file.id);
        send(t, room, ann, &[kept]).await;
    }
    send(t, other, ann, &[stage(t, ann).await]).await;
    stage(t, ann).await;
    let look = async |kind, before, most| {
        let page = GalleryPage { kind, before, most };
        let files = t.store.gallery(room, page).await.unwrap();
        let ids: Vec<_> = files.iter().map(|kept| kept.file.id).collect();
        ids
    };
    assert_eq!(look(None, None, 10).await, [ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(look(None, Some(ids[3]), 2).await, [ids[2], ids[1]]);
    let images = Some(FileKind::Image);
    assert_eq!(look(images, None, 10).await, [ids[3], ids[2], ids[0]]);
    assert_eq!(look(Some(FileKind::Other), None, 10).await, [ids[1]]);
    assert!(look(Some(FileKind::Video), None, 10).await.is_empty());
}

async fn files_survive_in_history_and_pages(t: &Bench) {
    let ann = t.user("ann").await;
    let room = t.room("Den", ann).await;
    let message = send(t, room, ann, &[stage(t, ann).await]).await;
    let (second, _) = t.second().await;
    for store in [&t.store, &second] {
        let page = store
            .messages_page(ann, Some(room), crate::bench::page(1, 10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(page.items, [Arc::clone(&message)]);
        let by_id = store
            .messages_by_id(&[message.id, MessageId::new(404)])
            .await;
        assert_eq!(by_id.unwrap(), [Arc::clone(&message)]);
    }
    second.close().await;
}

async fn all_files_are_listed_a_page_at_a_time(t: &Bench) {
    let [ann, bob] = t.users(["ann", "bob"]).await;
    let room = t.room("Den", ann).await;
    let mut files = Vec::new();
    for owner in [ann, bob, ann, bob, ann] {
        files.push(stage(t, owner).await);
    }
    send(t, room, ann, &[files[2].clone()]).await;
    let gone = files.remove(1);
    let dropped = t.store.drop_files(bob, &[gone.file.id], t.now()).await;
    assert_eq!(dropped.unwrap(), 1);
    let mut listed = Vec::new();
    let mut after = FileId::new(0);
    loop {
        let page = t.store.files_after(after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = last.file.id;
        listed.extend(page);
    }
    let ids = |files: &[KeptFile]| files.iter().map(|kept| kept.file.id).collect::<Vec<_>>();
    assert_eq!(
        ids(&listed),
        ids(&files),
        "in order, without what was released"
    );
    assert!(listed[1].place.is_some() && listed[0].place.is_none());
}
