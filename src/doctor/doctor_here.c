#include "doctor/doctor_int.h"

#include "base/banned.h"

/* ---- before anybody is asked ---- */

/* The account can't sign in as it stands. The road is walked all the same, without. */
void doctor_look_at_account(struct doctor *doctor)
{
    struct evidence evidence = { .stage = STAGE_LOCAL };

    if (!doctor->plan.account || account_check_sendable(doctor->plan.account, &evidence.err))
        return;
    doctor_fail(doctor, &evidence);
    doctor->here = true;
}

bool doctor_look_into_books(struct doctor *doctor)
{
    const struct doctor_books *books = doctor->plan.books;
    const struct clock *clock = doctor->world.credentials.clock;
    struct evidence evidence;

    if (!books || doctor->here)
        return false;
    doctor->withheld |= books->line == BOOKS_ALL_BUSY && doctor->by_smtp;
    bool used_up = clock && books_used_up(books, clock_wall(clock) / 1000, &evidence);
    books_climb(books, used_up ? &evidence : NULL, &doctor->ladder, doctor_now(doctor));
    if (!used_up)
        return false;
    doctor_fail(doctor, &evidence);
    doctor->spared = doctor->road_over = true;
    return true;
}

void doctor_look_at_machine(struct doctor *doctor)
{
    if (!doctor->plan.machine)
        return;
    machine_look(doctor->plan.machine, &doctor->machine);
    machine_notes(&doctor->machine, &doctor->notes);
    doctor->is_full = machine_is_full(&doctor->machine, &doctor->full);
    if (!doctor->is_full)
        machine_climb(&doctor->machine, NULL, &doctor->ladder, doctor_now(doctor));
}

/* ---- at the end ---- */

/* A full disk keeps mail from being taken in, wherever the road leads: it is the cause where there is no other. */
void doctor_tell_full(struct doctor *doctor)
{
    if (!doctor->is_full)
        return;
    if (doctor->failed) {
        notes_add(&doctor->notes, "disk-reserve", "Mail is not taken in either: %s.", doctor->full.err.text);
        return;
    }
    machine_climb(&doctor->machine, &doctor->full, &doctor->ladder, doctor_now(doctor));
    doctor_fail(doctor, &doctor->full);
}

/* The road was good as far as it could be walked. */
void doctor_tell_withheld(struct doctor *doctor)
{
    if (!doctor->withheld || doctor->plan.withhold || doctor->spared || ladder_has(&doctor->ladder, RUNG_AUTH))
        return;
    notes_add(&doctor->notes, "signin-untried",
              "Signing in was not tried: the outpost that sends this account's mail has all of its connections in use.");
    if (doctor->failed)
        return;
    ladder_enter(&doctor->ladder, RUNG_AUTH);
    ladder_leave(&doctor->ladder, STEP_SKIPPED, doctor_now(doctor));
}

/* The rung that a person looks for, where it is known without trying that it breaks. */
void doctor_tell_account(struct doctor *doctor)
{
    if (ladder_broken(&doctor->ladder))
        return;
    ladder_enter(&doctor->ladder, RUNG_AUTH);
    doctor->ladder.open.fact = doctor->evidence.err.fact;
    ladder_detail(&doctor->ladder, "error", span_of(doctor->evidence.err.text));
    ladder_leave(&doctor->ladder, STEP_FAILED, doctor_now(doctor));
}
