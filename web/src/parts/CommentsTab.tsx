// What people say on a file, as it is said. `@name@example.com` mentions somebody who may see it.

import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { useQuery } from "urql";

import { deed, messageOf } from "../deeds";
import { CommentAdd, CommentAdded, CommentDelete, CommentEdit, CommentReopen, CommentResolve, Comments } from "../details";
import type { CommentsQuery } from "../gql/graphql";
import { SignedOut } from "../signin";
import { client, make, newKey } from "../vault";
import { useMe } from "../viewer";
import { moment, say } from "../words";
import { Ask, text } from "./Ask";

type Comment = NonNullable<CommentsQuery["file"]>["comments"]["edges"][number]["node"];
const MENTION = /@([^\s@]+@[^\s@]+\.[^\s@,;:!?]*[^\s@,;:!?.])/g;

export function CommentsTab({ id, canComment }: { id: string; canComment: boolean }) {
  const [{ data }, again] = useQuery({ query: Comments, variables: { id } });
  const [replyTo, setReplyTo] = useState<Comment | null>(null);
  const comments = data?.file?.comments.edges.map(({ node }) => node) ?? [];
  const known = useRef(new Set<string>());
  known.current = new Set(comments.map((comment) => comment.id));
  const look = () => again({ requestPolicy: "network-only" });
  useEffect(
    () =>
      client.subscription(CommentAdded, { id }).subscribe(({ data: told }) => {
        if (told && !known.current.has(told.commentAdded.id)) again({ requestPolicy: "network-only" });
      }).unsubscribe,
    [id, again],
  );
  const threads = comments.filter((comment) => !comment.replyTo);
  return (
    <>
      <ul className="entries" aria-live="polite" aria-label={say.tabs.comments}>
        {threads.map((thread) => (
          <li key={thread.id} data-settled={Boolean(thread.resolvedAt) || undefined}>
            <One comment={thread} {...{ look, canComment }} reply={() => setReplyTo(thread)} />
            <ul className="replies">
              {comments
                .filter((comment) => comment.replyTo?.id === thread.id)
                .map((comment) => (
                  <li key={comment.id}>
                    <One comment={comment} {...{ look, canComment }} />
                  </li>
                ))}
            </ul>
          </li>
        ))}
      </ul>
      {comments.length === 0 && <p className="soft">{say.noComments}</p>}
      {canComment && <Say key={replyTo?.id ?? "new"} {...{ id, replyTo, look }} done={() => setReplyTo(null)} />}
    </>
  );
}

function mentionsIn(body: string): string[] {
  return [...new Set([...body.matchAll(MENTION)].map(([, address = ""]) => address))];
}

interface OneProps {
  readonly comment: Comment;
  readonly canComment: boolean;
  readonly look: () => void;
  readonly reply?: () => void;
}

function One({ comment, canComment, look, reply }: OneProps) {
  const { id: me } = useMe();
  const { author, resolvedAt } = comment;
  const input = { commentId: comment.id };
  const act = (action: () => Promise<unknown>) => void deed(async () => action().then(look));
  const [isEditing, setEditing] = useState(false);
  const edit = async (fields: FormData) => {
    const body = text(fields, "body");
    await make(CommentEdit, { input: { ...input, body, mentions: mentionsIn(body), ifVersion: comment.revision } });
    look();
    setEditing(false);
  };
  if (comment.deletedAt) return <p className="soft">{say.commentDeleted}</p>;
  return (
    <article className="said">
      <p className="soft">
        <b>{author?.displayName ?? say.somebody}</b> {moment(comment.createdAt)} {comment.editedAt && say.edited}
        {resolvedAt && <span className="tag">{say.settled}</span>}
      </p>
      {isEditing ? (
        <Ask send={edit} action={say.save}>
          <textarea name="body" aria-label={say.editComment} defaultValue={comment.body} maxLength={10_000} required />
        </Ask>
      ) : (
        <p className="body">{comment.body}</p>
      )}
      <div className="line">
        {reply && canComment && (
          <button type="button" className="link" onClick={reply}>
            {say.reply}
          </button>
        )}
        {reply && canComment && (
          <button
            type="button"
            className="link"
            onClick={() => act(() => (resolvedAt ? make(CommentReopen, { input }) : make(CommentResolve, { input })))}
          >
            {resolvedAt ? say.reopen : say.settle}
          </button>
        )}
        {author?.id === me && (
          <button type="button" className="link" aria-expanded={isEditing} onClick={() => setEditing(!isEditing)}>
            {say.editComment}
          </button>
        )}
        {author?.id === me && (
          <button type="button" className="link" onClick={() => act(() => make(CommentDelete, { input }))}>
            {say.deleteComment}
          </button>
        )}
      </div>
    </article>
  );
}

interface SayProps {
  readonly id: string;
  readonly replyTo: Comment | null;
  readonly look: () => void;
  readonly done: () => void;
}

function Say({ id, replyTo, look, done }: SayProps) {
  const [body, setBody] = useState("");
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const field = useId();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const mentions = mentionsIn(body);
      await make(CommentAdd, {
        input: { fileId: id, body, mentions, replyToId: replyTo?.id ?? null, idempotencyKey: newKey() },
      });
      setBody("");
      setError("");
      look();
      done();
    } catch (refused) {
      if (!(refused instanceof SignedOut)) setError(messageOf(refused));
    }
    setBusy(false);
  };
  return (
    <form className="stack" onSubmit={(event) => void send(event)}>
      <label htmlFor={field}>{replyTo ? say.replyTo(replyTo.author?.displayName ?? say.somebody) : say.comment}</label>
      <textarea
        id={field}
        value={body}
        maxLength={10_000}
        required
        aria-describedby={`${field}-hint`}
        onChange={({ target }) => setBody(target.value)}
      />
      <p id={`${field}-hint`} className="soft">
        {say.mentionHint}
      </p>
      {error && (
        <p className="bad" role="alert">
          {error}
        </p>
      )}
      <div className="line end">
        {replyTo && (
          <button type="button" className="button" onClick={done}>
            {say.cancel}
          </button>
        )}
        <button type="submit" className="button primary" disabled={isBusy}>
          {say.send}
        </button>
      </div>
    </form>
  );
}
