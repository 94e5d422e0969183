/* SPDX-License-Identifier: ISC */
#ifndef EHR_DELIVER_SPOOL_SCHEMA_H
#define EHR_DELIVER_SPOOL_SCHEMA_H

/*
 * spool_schema: the tables of the spool.  Each version has the statements that lead to it from the version
 * before.  A version that was released is never changed: a new one is added.  PRAGMA user_version holds the
 * number, PRAGMA application_id the word "ehrd".
 */
enum { SPOOL_APPLICATION = 0x65687264, SPOOL_VERSION = 7 };

/* The statements from version I to version I + 1. */
extern const char *const spool_schema[SPOOL_VERSION];

#endif
