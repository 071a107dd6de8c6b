/* The declarations of MPI that the example uses, to compile it where MPI is not. */
#ifndef MPI_STANDIN_H
#define MPI_STANDIN_H

typedef struct mpi_comm *MPI_Comm;
typedef struct mpi_info *MPI_Info;
typedef struct mpi_datatype *MPI_Datatype;

extern MPI_Comm MPI_COMM_WORLD;
extern MPI_Info MPI_INFO_NULL;
extern MPI_Datatype MPI_BYTE;
enum { MPI_COMM_TYPE_SHARED = 1 };

int MPI_Init(int *argc, char ***argv);
int MPI_Finalize(void);
int MPI_Abort(MPI_Comm comm, int code);
int MPI_Comm_size(MPI_Comm comm, int *size);
int MPI_Comm_rank(MPI_Comm comm, int *rank);
int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *part);
int MPI_Comm_free(MPI_Comm *comm);
int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm);

#endif
