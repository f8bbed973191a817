/** Seeds that found something wrong, in the core or in the simulation; to be run for good. */
export const REGRESSION_SEEDS = [
  // A leader that had appended its own removal was needed, and did not campaign.
  { seed: 142, voters: 3, steps: 2000 },
  // Learners that came and went made a leader believe that it had just heard from a voter.
  { seed: 49, voters: 3, steps: 2000 },
  { seed: 95, voters: 3, steps: 2000 },
  // A smaller set of voters needed no further answer, but was not counted before the next one came.
  { seed: 4044, voters: 3, steps: 2000 },
  // The first entry after an installed snapshot, of the same term, had no term.
  { seed: 138, voters: 3, steps: 2000 },
  // Disks were lost while a founding, or a smaller set that needed them, was under way.
  { seed: 1494, voters: 5, steps: 2000 },
  { seed: 502, voters: 3, steps: 3000 },
  // A lone voter with learners spoke of a term before that was on its disk.
  { seed: 102621, voters: 3, steps: 3000 },
  { seed: 127437, voters: 3, steps: 3000 },
  // A snapshot told a candidate that it was no voter any more.
  { seed: 116069, voters: 3, steps: 3000 },
  // A learner whose disk had gone back was suspended and never told.
  { seed: 193, voters: 3, steps: 3000 },
  // A doubt of before kept a leader from noticing a disk that went back later.
  { seed: 1126, voters: 5, steps: 3000 },
  // A suspended node that a late snapshot had brought further did not believe it.
  { seed: 17889, voters: 3, steps: 3000 },
];
