/* Messages as JSON shows them. */
#include "control/verbs_int.h"

#include <string.h>

#include "mail/date.h"

#include "base/banned.h"

void show_time(struct json *json, const char *key, const struct queue *queue, uint64_t time)
{
    HELD(buf) text = BUF(40);

    if (time == 0 || time == STORE_NEVER) {
        json_none(json, key);
        return;
    }
    date_add_rfc3339(&text, queue_to_wall(queue, time) / 1000);
    json_text(json, key, buf_text(&text));
}

static void text_or_none(struct json *json, const char *key, const char *text)
{
    json_text(json, key, text && *text ? text : NULL);
}

/* "550 5.1.1 no such user": as the server said it. */
static void show_reply(struct json *json, uint16_t reply, const uint16_t enhanced[3], const char *text)
{
    HELD(buf) line = BUF(STORE_TEXT_MAX + 40);

    if (!reply) {
        json_none(json, "reply");
        return;
    }
    buf_addf(&line, "%u", reply);
    if (enhanced[0])
        buf_addf(&line, " %u.%u.%u", enhanced[0], enhanced[1], enhanced[2]);
    if (text && *text)
        buf_addf(&line, " %s", text);
    json_text(json, "reply", buf_text(&line));
}

static void show_recipient(struct json *json, const struct queue *queue, const struct store_row_recipient *recipient)
{
    json_open(json, NULL, '{');
    json_text(json, "address", recipient->address);
    json_text(json, "state", store_state_word(recipient->state));
    json_number(json, "tries", recipient->tries);
    json_bool(json, "unsure", recipient->unsure);
    show_time(json, "next", queue, recipient->next);
    show_time(json, "at", queue, recipient->at);
    text_or_none(json, "cause", recipient->cause);
    show_reply(json, recipient->reply, recipient->enhanced, recipient->text);
    text_or_none(json, "text", recipient->text);
    text_or_none(json, "by", recipient->by);
    json_close(json);
}

/* Why its account can't send, where that is what keeps it. */
static void show_parked(struct json *json, const struct store_row *row, const struct store_accounts *accounts)
{
    const char *because = NULL;

    for (size_t i = 0; row->state == STORE_PARKED && i < accounts->count; i++)
        if (strcmp(accounts->at[i].name, row->account) == 0)
            because = accounts->at[i].parked_because;
    text_or_none(json, "parked_because", because);
}

static void members(struct json *json, const struct queue *queue, const struct store_row *row,
                    const struct store_accounts *accounts)
{
    json_number(json, "id", row->id);
    json_text(json, "account", row->account);
    text_or_none(json, "from", *row->from ? row->from : row->sender);
    show_time(json, "created", queue, row->created);
    json_number(json, "size", row->size);
    json_text(json, "state", store_state_word(row->state));
    show_time(json, "next", queue, row->next);
    text_or_none(json, "message_id", row->message_id);
    text_or_none(json, "held_because", row->held_because);
    show_parked(json, row, accounts);
    text_or_none(json, "held_text", row->held_text);
    text_or_none(json, "held_by", row->held_by);
    json_number(json, "recipient_count", row->recipient_total);
    json_open(json, "recipients", '[');
    for (size_t i = 0; i < row->recipient_count; i++)
        show_recipient(json, queue, &row->recipients[i]);
    json_close(json);
}

void show_row(struct json *json, const struct queue *queue, const struct store_row *row,
              const struct store_accounts *accounts)
{
    json_open(json, NULL, '{');
    members(json, queue, row, accounts);
    json_close(json);
}

static void show_event(struct json *json, const struct queue *queue, const struct store_event *event)
{
    json_open(json, NULL, '{');
    show_time(json, "at", queue, event->at);
    json_text(json, "event", store_event_word(event->kind));
    json_number(json, "recipient", event->first);
    json_number(json, "recipients", event->count);
    text_or_none(json, "by", event->by);
    text_or_none(json, "cause", event->cause);
    show_reply(json, event->reply, event->enhanced, event->text);
    text_or_none(json, "text", event->text);
    json_close(json);
}

void show_story(struct json *json, const struct queue *queue, const struct store_story *story,
                const struct store_accounts *accounts)
{
    const struct store_row *row = &story->rows.at[0];

    json_open(json, NULL, '{');
    members(json, queue, row, accounts);
    json_text(json, "submitter", row->submitter);
    json_text(json, "sender", row->sender);
    show_time(json, "not_before", queue, row->not_before);
    show_time(json, "deadline", queue, row->deadline);
    show_time(json, "done", queue, row->done);
    json_open(json, "events", '[');
    for (size_t i = 0; i < story->event_count; i++)
        show_event(json, queue, &story->events[i]);
    json_close(json);
    json_close(json);
}
