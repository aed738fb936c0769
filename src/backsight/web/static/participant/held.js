// Hold a recorded video in this browser until the server has it, so that it outlives the page. Knows no server.
// Where a browser gives no room for it (a private window, a full disk) the video lives as long as the page.

const DATABASE = "backsight";
const TABLE = "videos";

/**
 * @param {string} id the server's name of the recording
 * @param {{blob: Blob, durationS: number}} video
 * @returns whether it is held
 */
export async function hold(id, video) {
  return (await work("readwrite", (table) => table.put(video, id))) !== undefined;
}

/** The video of a recording, or null. */
export async function find(id) {
  return (await work("readonly", (table) => table.get(id))) ?? null;
}

/** Forget all videos but those of some recordings. Those of recordings that were given up, or of other people, must not stay. */
export async function forgetAllBut(ids) {
  const held = (await work("readonly", (table) => table.getAllKeys())) ?? [];
  for (const id of held) if (!ids.includes(id)) await work("readwrite", (table) => table.delete(id));
}

export async function forget(id) {
  await work("readwrite", (table) => table.delete(id));
}

/** Do one thing; undefined where this browser holds nothing. */
async function work(mode, ask) {
  let database;
  try {
    database = await settled(opened());
    return await settled(ask(database.transaction(TABLE, mode).objectStore(TABLE)));
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}

function opened() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
  return request;
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}
